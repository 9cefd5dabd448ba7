import type { ScalingSettings } from '../../src/model/scaling.ts';

/** When a function sleeps and when it is woken ahead of its next call, both counted from the end of its last one. */
export interface KeepAlivePlan {
  /** It sleeps until then; 0: it stays awake. */
  readonly prewarmAfterMs: number;
  /** It is awake from then for this time. */
  readonly keepAliveMs: number;
}

/** How long a function was idle between calls, as "Serverless in the Wild" (Shahrad and others, USENIX ATC 2020) keeps it. */
export interface IdleHistogram {
  note(idleMs: number): void;
  plan(): KeepAlivePlan;
}

const binMs = 60_000;
const bins = 240;
/** What the paper found for a histogram worth going by: the spread of its bins, and few times beyond its range. */
const leastSpread = 2;
const leastSamples = 10;
const mostBeyond = 0.5;
const [headShare, tailShare, margin] = [0.05, 0.99, 0.1];

/**
 * Bins of a minute over four hours. The plan wakes at the 5th percentile less a tenth and stays awake to the 99th and a
 * tenth more; a head within the first minute means no sleep before. While the bins say too little (fewer than ten times,
 * a coefficient of variation below 2, or more than half beyond the range) it is `fallbackMs` from the last call. The
 * paper's forecast for idle times beyond its range is not here.
 */
export function createIdleHistogram(fallbackMs: number): IdleHistogram {
  const counts = new Uint32Array(bins);
  let within = 0;
  let beyond = 0;
  let plan: KeepAlivePlan | undefined;
  return {
    note(idleMs) {
      const bin = Math.floor(idleMs / binMs);
      if (bin < bins) {
        counts[bin] = (counts[bin] ?? 0) + 1;
        within += 1;
      } else beyond += 1;
      plan = undefined;
    },
    plan() {
      plan ??=
        within < leastSamples || beyond > mostBeyond * (within + beyond) || spreadOf(counts, within) < leastSpread
          ? { prewarmAfterMs: 0, keepAliveMs: fallbackMs }
          : planFrom(counts, within);
      return plan;
    },
  };
}

/** Coefficient of variation of the bins' counts: high when a few bins hold most. */
function spreadOf(counts: Uint32Array, total: number): number {
  const mean = total / bins;
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / bins;
  return Math.sqrt(variance) / mean;
}

function planFrom(counts: Uint32Array, total: number): KeepAlivePlan {
  // The head is rounded down to its bin, the tail up.
  const headMs = binAt(counts, total * headShare) * binMs * (1 - margin);
  const tailMs = (binAt(counts, total * tailShare) + 1) * binMs * (1 + margin);
  return { prewarmAfterMs: headMs, keepAliveMs: tailMs - headMs };
}

function binAt(counts: Uint32Array, rank: number): number {
  let sum = 0;
  for (let bin = 0; bin < bins; bin += 1) {
    sum += counts[bin] ?? 0;
    if (sum >= rank) return bin;
  }
  return bins - 1;
}

/** The settings in force `sinceCallMs` after the last call: awake while the plan says so, else asleep at once. */
export function adaptScaling(own: ScalingSettings, plan: KeepAlivePlan, sinceCallMs: number): ScalingSettings {
  if (!own.zero) return own;
  const { prewarmAfterMs, keepAliveMs } = plan;
  const awake = sinceCallMs >= prewarmAfterMs && sinceCallMs < prewarmAfterMs + keepAliveMs;
  return awake ? { ...own, zero: false, min: Math.max(1, own.min) } : { ...own, zeroAfterMs: 0 };
}
