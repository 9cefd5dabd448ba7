import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TinderboxError } from '../model/errors.ts';
import { cageOf, destroyCage, type CageParent } from './cage.ts';
import type { CageRef, Limits } from './sandbox.ts';

interface ControlWrite {
  readonly file: string;
  readonly value: string;
}

const periodUs = 100_000;

/** The control files that put `limits` in force. Swap is never given; 0 means no limit. */
export function decideControlWrites(version: CageRef['version'], limits: Limits): readonly ControlWrite[] {
  const quotaUs = limits.cpuMillis === 0 ? 0 : Math.max(1_000, Math.round((limits.cpuMillis * periodUs) / 1_000));
  const pids = { file: 'pids.max', value: limits.pids === 0 ? 'max' : String(limits.pids) };
  if (version === 'v2') {
    return [
      { file: 'memory.max', value: limits.memoryBytes === 0 ? 'max' : String(limits.memoryBytes) },
      { file: 'memory.swap.max', value: limits.memoryBytes === 0 ? 'max' : '0' },
      { file: 'memory.oom.group', value: '1' },
      pids,
      { file: 'cpu.max', value: `${quotaUs === 0 ? 'max' : quotaUs} ${periodUs}` },
    ];
  }
  const memory = limits.memoryBytes === 0 ? '-1' : String(limits.memoryBytes);
  return [
    { file: 'memory.limit_in_bytes', value: memory },
    { file: 'memory.memsw.limit_in_bytes', value: memory },
    pids,
    { file: 'cpu.cfs_period_us', value: String(periodUs) },
    { file: 'cpu.cfs_quota_us', value: quotaUs === 0 ? '-1' : String(quotaUs) },
  ];
}

/**
 * Makes the cage and its limits, and the parent again should somebody have tidied it away. Throws `conflict` when the
 * id is in use; leaves nothing when it fails.
 */
export async function makeCage(parent: CageParent, id: string, limits: Limits): Promise<CageRef> {
  const cage = cageOf(parent, id);
  let failed = await makeDirectories(cage);
  if (failed?.code === 'ENOENT') {
    await makeCageParent(parent);
    failed = await makeDirectories(cage);
  }
  if (failed?.code === 'EEXIST') throw new TinderboxError('conflict', `a cage called "${id}" is still there`);
  if (failed !== undefined) throw TinderboxError.from(failed);
  try {
    await applyLimits(cage, limits);
  } catch (error) {
    await destroyCage(cage);
    throw error;
  }
  return cage;
}

/** All or none; the first failure. */
async function makeDirectories(cage: CageRef): Promise<NodeJS.ErrnoException | undefined> {
  const made = await Promise.allSettled(cage.cgroups.map((dir) => mkdir(dir)));
  const failed = made.find((result) => result.status === 'rejected');
  if (failed === undefined) return undefined;
  const ours = cage.cgroups.filter((_, index) => made[index]?.status === 'fulfilled');
  await Promise.allSettled(ours.map((dir) => rmdir(dir)));
  return failed.reason as NodeJS.ErrnoException;
}

/**
 * Puts limits in force for a new or living cage. A controller the cage lacks is passed over (the abilities name it);
 * throws `unsupported` with the control file that refused.
 */
export async function applyLimits(cage: CageRef, limits: Limits): Promise<void> {
  const writes = decideControlWrites(cage.version, limits);
  const [memory, memoryAndSwap] = writes;
  // v1 refuses memory above memory+swap at any moment: when growing, the second has to go first.
  if (cage.version === 'v1' && memory !== undefined && memoryAndSwap !== undefined) {
    if ((await write(cage, memory)) === 'refused') await write(cage, memoryAndSwap);
  }
  for (const entry of writes) {
    if ((await write(cage, entry)) !== 'refused') continue;
    throw new TinderboxError('unsupported', `the kernel refused ${entry.file} = ${entry.value} for cage "${cage.id}"`);
  }
}

/** Makes the platform's parent directories, with the controllers handed down where the hierarchy is unified. */
export async function makeCageParent(parent: CageParent): Promise<void> {
  for (const dir of parent.cgroups) {
    if (parent.version === 'v2') await handDown(dirname(dir));
    await mkdir(dir, { recursive: true });
    if (parent.version === 'v2') await handDown(dir);
  }
}

async function handDown(dir: string): Promise<void> {
  const available = (await readFile(join(dir, 'cgroup.controllers'), 'utf8')).split(/\s+/);
  const enabled = (await readFile(join(dir, 'cgroup.subtree_control'), 'utf8')).split(/\s+/);
  const wanted = ['memory', 'pids', 'cpu'].filter((name) => available.includes(name) && !enabled.includes(name));
  if (wanted.length === 0) return;
  await writeFile(join(dir, 'cgroup.subtree_control'), wanted.map((name) => `+${name}`).join(' '));
}

async function write(cage: CageRef, entry: ControlWrite): Promise<'written' | 'absent' | 'refused'> {
  for (const dir of cage.cgroups) {
    try {
      // r+: a control file is never created, so the hierarchies without it say ENOENT.
      await writeFile(join(dir, entry.file), entry.value, { flag: 'r+' });
      return 'written';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return 'refused';
    }
  }
  return 'absent';
}
