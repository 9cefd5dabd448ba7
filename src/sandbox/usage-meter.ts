import { setTimeout as delay } from 'node:timers/promises';
import type { CageUsage } from './cage.ts';

/** What several programs use together: thousandths of a core, and bytes. */
export interface MeasuredUsage {
  readonly cpu: number;
  readonly totalMemoryBytes: number;
}

const sampleMs = 200;

/** Looks twice, 200 ms apart, because processor time is only counted in total. Undefined without any program. */
export async function measureUsage(
  pids: readonly number[],
  read: (pid: number) => Promise<CageUsage>,
): Promise<MeasuredUsage | undefined> {
  if (pids.length === 0) return undefined;
  const before = await Promise.all(pids.map(read));
  const startedMs = performance.now();
  await delay(sampleMs);
  const after = await Promise.all(pids.map(read));
  return decideUsage(before, after, performance.now() - startedMs);
}

/** A program that ended in between counts as it was before, and used no time. */
export function decideUsage(
  before: readonly CageUsage[],
  after: readonly CageUsage[],
  elapsedMs: number,
): MeasuredUsage {
  let [cpuMs, totalMemoryBytes] = [0, 0];
  after.forEach((now, index) => {
    cpuMs += Math.max(0, now.cpuMs - (before[index]?.cpuMs ?? 0));
    totalMemoryBytes += now.memoryBytes || (before[index]?.memoryBytes ?? 0);
  });
  return { cpu: Math.round((cpuMs / elapsedMs) * 1e6) / 1e3, totalMemoryBytes };
}
