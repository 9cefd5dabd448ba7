/**
 * Looking into cages and emptying them. Node's built-ins are all it needs, so the keeper process can import it.
 *
 * Owns: finding every process inside a cage, killing all of them, removing the cgroup directories.
 * Does not own: making cages and setting limits (`cage-maker.ts`), spawning.
 *
 * Invariants
 * 1. Membership decides, never parentage: a double fork with setsid stays inside its cgroup and dies with it.
 * 2. Forking is forbidden (pids limit 0) and, where a freezer is, everything stands still before the first kill, so a
 *    pid that was read cannot be a stranger's by the time it is killed, and nothing can outrun the killing.
 * 3. A cage that is gone is a success; so is destroying twice, or from two processes at once.
 * 4. It ends: what cannot be killed by the deadline is returned, not waited for.
 */
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { OomCounter } from './oom-counter.ts';
import type { CageRef } from './sandbox.ts';
import { uncagedPids } from './uncaged.ts';

export interface DestroyOptions {
  /** Pid of the spawned program; only used where there is no cgroup, to find its process group and children. */
  readonly leader?: number;
  /** When to give up; default 5,000 ms. */
  readonly deadlineMs?: number;
}

/**
 * Kills every process inside and removes the cage. Resolves with the pids that were still alive at the deadline:
 * empty means the cage is gone.
 */
export async function destroyCage(cage: CageRef, options: DestroyOptions = {}): Promise<readonly number[]> {
  const end = performance.now() + (options.deadlineMs ?? 5_000);
  for (let attempt = 0; ; attempt += 1) {
    const pids = await cagePids(cage, options.leader);
    if (pids.length === 0 && (await removeDirectories(cage))) return [];
    if (performance.now() > end) return pids;
    await killOnce(cage, options.leader);
    // The first look almost always comes before the kernel has finished with the dead.
    await delay(Math.min(1 + attempt * 2, 25));
  }
}

/** Pids inside, in every hierarchy, each once. */
export async function cagePids(cage: CageRef, leader?: number): Promise<number[]> {
  if (cage.version === 'none') return uncagedPids(cage.id, leader);
  const dirs = (await Promise.all(cage.cgroups.map(withChildren))).flat();
  const lists = await Promise.all(dirs.map((dir) => read(join(dir, 'cgroup.procs'))));
  return [...new Set(lists.flatMap((text) => text.split('\n').filter(Boolean).map(Number)))].filter((pid) => pid > 0);
}

/** Whether the kernel killed something inside for memory; false once the cage is gone. */
export async function cageOomKilled(cage: CageRef): Promise<boolean> {
  return (await new OomCounter(cage).read()) > 0;
}

export interface CageUsage {
  /** Memory that cannot simply be given back (without inactive file cache); 0 when unknown. */
  readonly memoryBytes: number;
  /** CPU time used since the cage was made; 0 when unknown. */
  readonly cpuMs: number;
}

/** What all processes inside use together. */
export async function cageUsage(cage: CageRef): Promise<CageUsage> {
  const first = async (file: string): Promise<string> =>
    (await Promise.all(cage.cgroups.map((dir) => read(join(dir, file))))).find((text) => text !== '') ?? '';
  const v2 = cage.version === 'v2';
  const [current, stat, cpu] = await Promise.all([
    first(v2 ? 'memory.current' : 'memory.usage_in_bytes'),
    first('memory.stat'),
    first(v2 ? 'cpu.stat' : 'cpuacct.usage'),
  ]);
  const cache = numberAfter(stat, v2 ? 'inactive_file' : 'total_inactive_file');
  return {
    memoryBytes: Math.max(0, Number(current) - cache),
    cpuMs: v2 ? numberAfter(cpu, 'usage_usec') / 1e3 : Number(cpu) / 1e6,
  };
}

/** Where the cages of one platform live: one directory per hierarchy. */
export interface CageParent {
  readonly cgroups: readonly string[];
  readonly version: CageRef['version'];
}

/** The cage with this id below a parent. */
export function cageOf(parent: CageParent, id: string): CageRef {
  return { id, cgroups: parent.cgroups.map((dir) => join(dir, id)), version: parent.version };
}

/** Destroys every cage below `parent` that is not in `keep`; resolves with the ids that went. */
export async function sweepCages(parent: CageParent, keep: ReadonlySet<string>): Promise<readonly string[]> {
  const names = (await Promise.all(parent.cgroups.map(directoriesIn))).flat();
  const stale = [...new Set(names)].filter((id) => !keep.has(id));
  await Promise.all(stale.map((id) => destroyCage(cageOf(parent, id))));
  return stale;
}

async function killOnce(cage: CageRef, leader: number | undefined): Promise<void> {
  if (cage.version === 'v2' && (await writeAll(cage, 'cgroup.kill', '1'))) return;
  await writeAll(cage, 'pids.max', '0');
  await freeze(cage, true);
  for (const pid of await cagePids(cage, leader)) kill(pid);
  await freeze(cage, false);
}

async function freeze(cage: CageRef, frozen: boolean): Promise<void> {
  if (cage.version === 'v2') await writeAll(cage, 'cgroup.freeze', frozen ? '1' : '0');
  if (cage.version === 'v1') await writeAll(cage, 'freezer.state', frozen ? 'FROZEN' : 'THAWED');
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already, or not ours: the next look decides.
  }
}

/** Writes a control file wherever the cage has it; whether it was anywhere. */
async function writeAll(cage: CageRef, file: string, value: string): Promise<boolean> {
  const written = await Promise.all(
    cage.cgroups.map((dir) =>
      // r+: never creates and never truncates; a hierarchy without this controller lacks the file.
      writeFile(join(dir, file), value, { flag: 'r+' }).then(
        () => true,
        () => false,
      ),
    ),
  );
  return written.includes(true);
}

async function removeDirectories(cage: CageRef): Promise<boolean> {
  const removed = await Promise.all(cage.cgroups.map(removeTree));
  return removed.every(Boolean);
}

async function removeTree(dir: string): Promise<boolean> {
  const children = await directoriesIn(dir);
  await Promise.all(children.map((name) => removeTree(join(dir, name))));
  try {
    await rmdir(dir);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

async function withChildren(dir: string): Promise<string[]> {
  const children = await directoriesIn(dir);
  const below = await Promise.all(children.map((name) => withChildren(join(dir, name))));
  return [dir, ...below.flat()];
}

async function directoriesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

function numberAfter(text: string, key: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${key} `));
  return line === undefined ? 0 : Number(line.slice(key.length + 1));
}
