import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestPlatform } from './platform.ts';

type Folders = Pick<TestPlatform, 'stateDir' | 'runDir'>;

/** Living processes that carry the platform's folders in their command line, environment or working directory. */
export function processesOf(folders: Folders): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isAlive(pid) && mentions(pid, folders));
}

/** A process and all its descendants, as they are now. */
export function treeOf(root: number): readonly number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = statField(Number(name), 1);
    if (parent !== undefined) parents.set(Number(parent), [...(parents.get(Number(parent)) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(parents.get(pid) ?? []));
  return found;
}

/** Whether it runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  const state = statField(pid, 0);
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** The keeper of this platform. */
export function keeperPid({ runDir }: Folders): number {
  return (JSON.parse(readFileSync(join(runDir, 'keeper', 'keeper.json'), 'utf8')) as { pid: number }).pid;
}

/**
 * What functions and builds of a platform hold on this machine, one line each: processes beside the platform's own,
 * cages in any cgroup hierarchy, instance folders, secrets in memory, unfinished uploads and builds.
 */
export function tracesOf(folders: Folders): readonly string[] {
  const { runDir } = folders;
  const digest = digestOf(runDir);
  return [
    ...processesOf(folders).map((pid) => `process ${pid} ${commandOf(pid)}`),
    ...cgroupMounts().flatMap((mount) => cagesIn(join(mount, `tinderbox-${digest}`))),
    ...list(join(runDir, 'i')).map((name) => `instance folder ${name}`),
    ...list(`/dev/shm/tinderbox-${digest}`).map((name) => `secrets ${name}`),
    ...list(join(runDir, 'secrets')).map((name) => `secrets ${name}`),
    ...list(`/dev/shm/tinderbox-${digestOf(join(runDir, 'build'))}`).map((name) => `secrets of build ${name}`),
    ...list(join(runDir, 'build', 'secrets')).map((name) => `secrets of build ${name}`),
    ...list(join(runDir, 'sources')).map((name) => `upload ${name}`),
    ...list(join(runDir, 'artifacts'))
      .filter((name) => !/^[0-9a-f]{64}$/.test(name))
      .map((name) => `unfinished build ${name}`),
  ];
}

function digestOf(folder: string): string {
  return createHash('sha256').update(folder).digest('hex').slice(0, 12);
}

function mentions(pid: number, { stateDir, runDir }: Folders): boolean {
  const texts = [readText(`/proc/${pid}/cmdline`), readText(`/proc/${pid}/environ`), readLink(`/proc/${pid}/cwd`)];
  return texts.some((text) => text.includes(stateDir) || text.includes(runDir));
}

function cagesIn(parent: string): string[] {
  const entries = list(parent, true);
  return entries.map((name) => `cage ${join(parent, name)}`);
}

function cgroupMounts(): string[] {
  const mounts = readText('/proc/self/mountinfo').matchAll(/^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2? /gm);
  return [...mounts].map(([, mount = '']) => mount);
}

function list(folder: string, onlyFolders = false): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => !onlyFolders || entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

function commandOf(pid: number): string {
  return readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 200);
}

/** Fields after the command name: state, parent, … */
function statField(pid: number, index: number): string | undefined {
  const text = readText(`/proc/${pid}/stat`);
  const end = text.lastIndexOf(')');
  return end < 0 ? undefined : text.slice(end + 2).split(' ')[index];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
