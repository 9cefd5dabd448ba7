import type { ScalingSettings } from '../model/settings.ts';

export interface HostObservation {
  /** Processes that can run at once. */
  readonly cores: number;
  /** Share of its processor time that nobody uses, 0 to 1. */
  readonly idleShare: number;
}

/** What is known of a revision at the moment of a decision. */
export interface ScaleObservation {
  /** Mean of calls in flight plus waiting over the load window; undefined: nothing measured yet. */
  readonly averageLoad: number | undefined;
  readonly inFlight: number;
  readonly waiting: number;
  /** Calls done per millisecond lately; undefined: nothing measured yet. */
  readonly completedPerMs: number | undefined;
  readonly host: HostObservation;
  /** Calls one instance takes at once, a hard limit. */
  readonly concurrency: number;
  /** Time since the last call, the last instance that became ready, or the deploy, whichever came last. */
  readonly idleMs: number;
  /** Whether an instance is on its way; a function is not put to sleep while it wakes. */
  readonly starting: boolean;
  /** Count asked for at deploy until a first instance is ready, afterwards 0. */
  readonly floor: number;
  /** Somebody scaled it to zero by hand and nobody called it since. */
  readonly heldAtZero: boolean;
  /** Highest recommendation of the hold window. */
  readonly highestRecent: number;
}

export interface ScaleDecision {
  /** What the load alone asks for; goes into the hold window. */
  readonly recommended: number;
  /** Instances there should be now. */
  readonly count: number;
}

/** About what it takes until another instance helps, on a host with nothing else to do. */
const startMs = 250;
/** A host without idle time is taken to need this many times as long. */
const mostStretch = 8;

/**
 * How many instances a revision should have. Replicas follow concurrency: `ceil(average load / target)`, the stable
 * formula of Knative's autoscaler (docs/serving/autoscaling), where the target is the smaller of the label
 * `com.openfaas.scale.target` and what an instance takes at once. Calls that wait count at once and in full, not on
 * average.
 *
 * While all calls that are here get done sooner than another instance could help (a start, longer on a host that has
 * little time left), they wait for a core rather than for an instance, and each further process would only take cores,
 * memory and starts from those that do the work: then the count grows only for calls that wait, by as many as there are
 * idle cores, and at most to the number of cores. A handler that blocks is not quick, however many call it, and gets
 * what the formula says at once.
 *
 * Down only to the highest recommendation of the hold window (OpenFaaS's `scale.down.window`); that window does not delay
 * the way to zero, which is `zeroAfterMs` without any activity.
 */
export function decideCount(seen: ScaleObservation, scaling: ScalingSettings, current: number): ScaleDecision {
  const load = seen.inFlight + seen.waiting;
  const recommended = clampAwake(recommendedByLoad(seen, scaling, current), scaling);
  if (load === 0 && seen.heldAtZero) return { recommended: 0, count: 0 };
  if (seen.floor > 0) return { recommended, count: Math.min(scaling.max, Math.max(recommended, seen.floor, current)) };
  if (load === 0 && scaling.zero && isAsleep(seen, scaling, current)) return { recommended: 0, count: 0 };
  if (recommended >= current) return { recommended, count: recommended };
  return { recommended, count: Math.min(current, Math.max(recommended, seen.highestRecent), scaling.max) };
}

/** What a count set by hand becomes: 0 stays 0, all else lies between the bounds of the labels. */
export function clampManualCount(count: number, scaling: ScalingSettings): number {
  if (count <= 0) return 0;
  return clampAwake(count, scaling);
}

function recommendedByLoad(seen: ScaleObservation, scaling: ScalingSettings, current: number): number {
  const load = seen.inFlight + seen.waiting;
  const target = Math.min(scaling.targetConcurrency, seen.concurrency);
  const byAverage = Math.ceil((seen.averageLoad ?? 0) / target);
  const byQueue = seen.waiting > 0 ? Math.ceil(load / seen.concurrency) : 0;
  const wanted = Math.max(byAverage, byQueue, load > 0 ? 1 : 0);
  if (!isQuick(seen)) return wanted;
  return Math.min(wanted, Math.max(current, Math.min(byQueue, seen.host.cores, current + idleCores(seen)), 1));
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
  if (current === 0) return true;
  return !seen.starting && seen.idleMs >= scaling.zeroAfterMs;
}
