import { type CpuInfo, cpus } from 'node:os';

export interface IdleCpuOptions {
  /** Times of all cores since the host started; default `os.cpus`. */
  readonly read?: () => readonly Pick<CpuInfo, 'times'>[];
}

/** Shortest time over which the share is measured: the system counts in hundredths of a second. */
const leastMs = 500;

/**
 * Share of the host's processor time that nobody used between the last two looks, 0 to 1; 1 before there were two. Looks
 * are at least half a second apart; asked sooner, it answers the same again.
 */
export function createIdleCpu({ read = cpus }: IdleCpuOptions = {}): (nowMs: number) => number {
  let before = timesOf(read());
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let share = 1;
  return (nowMs) => {
    if (nowMs - lookedAtMs < leastMs) return share;
    const times = timesOf(read());
    const total = times.total - before.total;
    if (lookedAtMs !== Number.NEGATIVE_INFINITY && total > 0) share = (times.idle - before.idle) / total;
    before = times;
    lookedAtMs = nowMs;
    return share;
  };
}

function timesOf(cores: readonly Pick<CpuInfo, 'times'>[]): { readonly idle: number; readonly total: number } {
  let idle = 0;
  let total = 0;
  for (const { times } of cores) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, total };
}
