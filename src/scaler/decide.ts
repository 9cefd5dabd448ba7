import type { ScalingSettings } from '../model/scaling.ts';
import { decideFormula, type PanicState } from './formula.ts';

export interface HostObservation {
  /** Processes that can run at once. */
  readonly cores: number;
  /** Share of its processor time that nobody uses, 0 to 1. */
  readonly idleShare: number;
}

/** What is known of a revision at the moment of a decision. */
export interface ScaleObservation {
  /** Any clock that only goes forward. */
  readonly nowMs: number;
  /** The load over its window, in the unit of its metric; undefined: its meter does not say. */
  readonly load: number | undefined;
  /** The load over the panic window; undefined where there is none. */
  readonly panicLoad: number | undefined;
  readonly panic: PanicState | undefined;
  readonly inFlight: number;
  readonly waiting: number;
  /** Calls done per millisecond lately; undefined: nothing measured yet. */
  readonly completedPerMs: number | undefined;
  readonly host: HostObservation;
  /** Calls one instance takes at once, a hard limit. */
  readonly concurrency: number;
  readonly ready: number;
  /** Time since the last call, the last instance that became ready, or the deploy, whichever came last. */
  readonly idleMs: number;
  /** Whether an instance is on its way; a function is not put to sleep while it wakes. */
  readonly starting: boolean;
  /** Count asked for at deploy until a first instance is ready, afterwards 0. */
  readonly floor: number;
  /** Count an alert asks for that is not over; 0: none. */
  readonly alerted: number;
  /** Somebody scaled it to zero by hand and nobody called it since. */
  readonly heldAtZero: boolean;
  /** Highest recommendation of the hold window. */
  readonly highestRecent: number;
  /** Count that ran before a deploy or restart, while the load says too little of what is needed; 0: none. */
  readonly before: number;
}

/** What made a count what it is; `explainDecision` puts it into words. */
export type ScaleReason =
  | 'load'
  | 'waiting'
  | 'panic'
  | 'spared'
  | 'cores'
  | 'rate-limit'
  | 'no-reading'
  | 'minimum'
  | 'maximum'
  | 'held'
  | 'before'
  | 'deploy'
  | 'alert'
  | 'idle'
  | 'asleep'
  | 'by-hand';

export interface ScaleDecision {
  /** What the load alone asks for; goes into the hold window. */
  readonly recommended: number;
  /** Instances there should be now. */
  readonly count: number;
  readonly reason: ScaleReason;
  /** To be given to the next decision. */
  readonly panic?: PanicState | undefined;
}

/** About what it takes until another instance helps, on a host with nothing else to do. */
const startMs = 250;
/** A host without idle time is taken to need this many times as long. */
const mostStretch = 8;

/**
 * How many instances a revision should have: what the formula of its settings makes of the load (formula.ts), or enough
 * for the calls that wait, which count at once and in full, not on average.
 *
 * While all calls that are here get done sooner than another instance could help (a start, longer on a host that has
 * little time left), they wait for a core rather than for an instance, and each further process would only take cores,
 * memory and starts from those that do the work: then the count grows only for calls that wait, by as many as there are
 * idle cores, and at most to the number of cores. A handler that blocks is not quick, however many call it, and gets
 * what the formula says at once. A function whose labels say what one instance should carry gets what its formula says
 * in any case; the calls that wait beyond it are judged as above.
 *
 * Down only to the highest recommendation of the hold window (OpenFaaS's `scale.down.window`, Knative's
 * `scale-down-delay`), and to what ran before a deploy or restart until the load is known; neither delays the way to
 * zero, which is `zeroAfterMs` without any activity.
 */
export function decideCount(seen: ScaleObservation, scaling: ScalingSettings, current: number): ScaleDecision {
  const wish = withinCores(recommend(seen, scaling, current), seen, scaling);
  const { panic } = wish;
  const recommended = clampAwake(wish.count, scaling);
  const reason = recommended > wish.count ? 'minimum' : recommended < wish.count ? 'maximum' : wish.reason;
  const calls = seen.inFlight + seen.waiting;
  const sleep = (why: ScaleReason): ScaleDecision => ({ recommended: 0, count: 0, reason: why, panic });
  if (calls === 0 && seen.heldAtZero) return sleep('by-hand');
  if (seen.floor > 0) {
    const count = Math.min(scaling.max, Math.max(recommended, seen.floor, current));
    return { recommended, count, reason: count > recommended ? 'deploy' : reason, panic };
  }
  const alerted = Math.min(scaling.max, seen.alerted);
  if (alerted > recommended && alerted >= current) return { recommended, count: alerted, reason: 'alert', panic };
  if (calls === 0 && alerted === 0 && scaling.zero && isAsleep(seen, scaling, current)) {
    return sleep(current === 0 ? 'asleep' : 'idle');
  }
  if (recommended >= current) return { recommended, count: recommended, reason, panic };
  const held = Math.max(recommended, seen.highestRecent, alerted);
  const count = Math.min(current, Math.max(held, seen.before), scaling.max);
  return { recommended, count, reason: count > held ? 'before' : count > recommended ? 'held' : reason, panic };
}

/** What a count set by hand becomes: 0 stays 0, all else lies between the bounds of the labels. */
export function clampManualCount(count: number, scaling: ScalingSettings): number {
  if (count <= 0) return 0;
  return clampAwake(count, scaling);
}

interface Wish {
  readonly count: number;
  readonly reason: ScaleReason;
  readonly panic: PanicState | undefined;
}

function recommend(seen: ScaleObservation, scaling: ScalingSettings, current: number): Wish {
  const calls = seen.inFlight + seen.waiting;
  const formula = decideFormula(seen, scaling, current);
  const byQueue = seen.waiting > 0 && isBurst(seen, scaling) ? Math.ceil(calls / seen.concurrency) : 0;
  const least = calls > 0 ? 1 : 0;
  const spared = isQuick(seen) ? Math.min(byQueue, seen.host.cores, current + idleCores(seen)) : byQueue;
  if (scaling.sparing && isQuick(seen)) {
    const wanted = Math.max(formula.count, byQueue, least);
    const count = Math.min(wanted, Math.max(current, spared, 1));
    return { count, reason: count < wanted ? 'spared' : 'load', panic: undefined };
  }
  const count = Math.max(formula.count, spared, least);
  return { count, reason: count > formula.count ? 'waiting' : formula.reason, panic: formula.panic };
}

/** Calls that only compute are done no sooner by more instances than there are cores. */
function withinCores(wish: Wish, { host }: ScaleObservation, { cpuBound }: ScalingSettings): Wish {
  if (!cpuBound || wish.count <= host.cores) return wish;
  return { ...wish, count: host.cores, reason: 'cores' };
}

/**
 * Whether the ready instances have too little room for the calls there are and the burst capacity, as Knative's excess
 * burst capacity says: `floor(ready × total − burst capacity − panic load) < 0`.
 */
function isBurst(seen: ScaleObservation, { burstCapacity, target, metric }: ScalingSettings): boolean {
  if (burstCapacity < 0 || seen.ready === 0) return true;
  if (burstCapacity === 0) return false;
  const total = metric === 'concurrency' ? Math.min(target, seen.concurrency) : target;
  return Math.floor(seen.ready * total - burstCapacity - (seen.panicLoad ?? 0)) < 0;
}

/** Cores that nobody uses at all; none before the load is a measure, since the host was idle a moment ago. */
function idleCores({ completedPerMs, host }: ScaleObservation): number {
  return completedPerMs === Number.POSITIVE_INFINITY ? 0 : Math.floor(host.cores * host.idleShare);
}

function isQuick({ inFlight, waiting, completedPerMs = 0, host }: ScaleObservation): boolean {
  const helpsAfterMs = startMs / Math.max(host.idleShare, 1 / mostStretch);
  return inFlight + waiting <= completedPerMs * helpsAfterMs;
}

function clampAwake(count: number, scaling: ScalingSettings): number {
  return Math.min(scaling.max, Math.max(count, scaling.min, 1));
}

function isAsleep(seen: ScaleObservation, scaling: ScalingSettings, current: number): boolean {
  if (scaling.metric === 'queue' && (seen.load ?? 0) > 0) return false;
  if (current === 0) return true;
  return !seen.starting && seen.idleMs >= scaling.zeroAfterMs;
}
