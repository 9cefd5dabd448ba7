import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type CageParent, cageOf, type CageUsage, cageUsage } from './cage.ts';
import { uncagedPids } from './uncaged.ts';

/** Linux counts a process' time in hundredths of a second, and memory in pages. */
const msPerTick = 10;
const pageBytes = 4096;

/**
 * What a program and all it started use: as its cgroup counts, v1 or v2, or summed over its processes where there is no
 * cgroup or it does not count. Zero for one that is gone.
 */
export async function readProgramUsage(parent: CageParent, pid: number): Promise<CageUsage> {
  const id = cageIdOf(parent, await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => ''));
  const caged = id === undefined ? { memoryBytes: 0, cpuMs: 0 } : await cageUsage(cageOf(parent, id));
  if (caged.memoryBytes > 0 && caged.cpuMs > 0) return caged;
  const summed = await sumProcesses(await uncagedPids(id ?? `none-${pid}`, pid));
  return { memoryBytes: caged.memoryBytes || summed.memoryBytes, cpuMs: caged.cpuMs || summed.cpuMs };
}

/** Lines of /proc/PID/cgroup are `id:controllers:/path`; a cage lies directly below its platform's folder. */
export function cageIdOf(parent: CageParent, cgroups: string): string | undefined {
  const [first] = parent.cgroups;
  if (first === undefined) return undefined;
  const mark = `/${basename(first)}/`;
  const line = cgroups.split('\n').find((text) => text.includes(mark));
  return line?.slice(line.indexOf(mark) + mark.length).split('/')[0];
}

async function sumProcesses(pids: readonly number[]): Promise<CageUsage> {
  const each = await Promise.all(pids.map(processUsage));
  return each.reduce(
    (sum, { memoryBytes, cpuMs }) => ({ memoryBytes: sum.memoryBytes + memoryBytes, cpuMs: sum.cpuMs + cpuMs }),
    { memoryBytes: 0, cpuMs: 0 },
  );
}

async function processUsage(pid: number): Promise<CageUsage> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  // Counted from the state, which follows the last bracket: user and system time are the 12th and 13th, pages the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system, pages] = [11, 12, 21].map((index) => Number(fields[index] ?? 0));
  return { memoryBytes: (pages ?? 0) * pageBytes, cpuMs: ((user ?? 0) + (system ?? 0)) * msPerTick };
}
