import type { Instance } from '../model/instance.ts';

/** How often a revision failed lately and when it may be tried again, in ms of the caller's clock. */
export interface Backoff {
  readonly failures: number;
  readonly retryAtMs: number;
}

export const noBackoff: Backoff = { failures: 0, retryAtMs: 0 };

/** First wait after a failure; doubles with each further one up to the longest. */
const firstWaitMs = 200;
const longestWaitMs = 30_000;
/** An instance that was ready this long proves the revision; what failed before is forgotten. */
export const stableAfterMs = 10_000;

/** Failures of one batch count once: those that come while the wait already runs change nothing. */
export function backoffAfterFailure(backoff: Backoff, nowMs: number): Backoff {
  if (nowMs < backoff.retryAtMs) return backoff;
  const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(backoff.failures, 20));
  return { failures: backoff.failures + 1, retryAtMs: nowMs + waitMs };
}

interface Situation {
  /** How many instances there should be. */
  readonly desired: number;
  /** All instances of the revision; stopped, failed and draining ones do not count. */
  readonly instances: readonly Instance[];
  readonly backoff: Backoff;
  /** Starts the host still allows now. */
  readonly startsAllowed: number;
  readonly nowMs: number;
}

interface Decision {
  readonly starts: number;
  /** Instances to let go, in that order. */
  readonly stops: readonly string[];
  /** When to look again although nothing changed; undefined: no need. */
  readonly lookAgainAtMs: number | undefined;
}

/**
 * What brings a revision from what is to what should be. Pure and level-triggered: deciding twice in the same
 * situation says the same twice. After a failure one instance at a time is tried until one holds.
 */
export function decideReconcile(situation: Situation): Decision {
  const { desired, instances, backoff, startsAllowed, nowMs } = situation;
  const active = instances.filter((instance) => instance.state === 'starting' || instance.state === 'ready');
  const missing = desired - active.length;
  if (missing <= 0) return { starts: 0, stops: decideStops(active, -missing), lookAgainAtMs: undefined };
  if (nowMs < backoff.retryAtMs) return { starts: 0, stops: [], lookAgainAtMs: backoff.retryAtMs };
  const trying = active.filter((instance) => instance.state === 'starting').length;
  const wanted = backoff.failures > 0 ? Math.min(missing, Math.max(0, 1 - trying)) : missing;
  return { starts: Math.max(0, Math.min(wanted, startsAllowed)), stops: [], lookAgainAtMs: undefined };
}

/** Those that serve nobody yet go first, then the youngest: the oldest are the warmest. */
function decideStops(active: readonly Instance[], count: number): readonly string[] {
  const order = [...active].sort((a, b) => rank(a) - rank(b) || b.startedAtMs - a.startedAtMs);
  return order.slice(0, count).map((instance) => instance.id);
}

function rank(instance: Instance): number {
  return instance.state === 'starting' ? 0 : 1;
}
