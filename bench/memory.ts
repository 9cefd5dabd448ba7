import { readdirSync, readFileSync } from 'node:fs';

/** Memory of one process of the platform, in MiB. */
export interface ProcessMemory {
  readonly pid: number;
  readonly command: string;
  readonly rssMiB: number;
  readonly pssMiB: number;
}

/** The platform's process and all that belongs to its run folder: keeper, pool, instances. */
export function platformMemory(platformPid: number, runDir: string): ProcessMemory[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid === platformPid || belongsTo(pid, runDir))
    .flatMap((pid) => memoryOf(pid) ?? []);
}

function belongsTo(pid: number, runDir: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8');
    return words.includes(runDir) && !words.includes('tinderbox.mjs\0up');
  } catch {
    return false;
  }
}

function memoryOf(pid: number): ProcessMemory | undefined {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) / 1024;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 90);
    return { pid, command, rssMiB: field('Rss'), pssMiB: field('Pss') };
  } catch {
    return undefined;
  }
}
