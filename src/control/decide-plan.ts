/**
 * Decides what comes next for one function, from its records and what is observed; it does nothing itself.
 *
 * 1. Traffic goes to the serving revision alone. While none has ever served, calls wait for the newest one (or learn
 *    why it failed), so that a call right after the first deploy is answered.
 * 2. A revision serves only after an instance of it was ready, or after a restart when it was ready before.
 * 3. Each write is one step; the plan after it follows from the store alone, so a cut between any two steps heals.
 * 4. A route is taken away before what stands behind it; it is set after the revision is known to engine and scaler,
 *    but for the very first one: its calls wait for that as well.
 * 5. Only the newest revision is rolled out; older pending ones are superseded.
 * 6. Revision numbers above `latest` belong to a deploy that is not accepted yet: they are left alone.
 */
import type { RevisionId } from '../model/names.ts';
import type { FunctionView, RevisionView } from './function-view.ts';
import type { RolloutLimits } from './rollout-limits.ts';

export type Step =
  | { readonly kind: 'remove-route' }
  | { readonly kind: 'forget'; readonly revision: RevisionId }
  /** `prove`: it has yet to show a ready instance; a failure to apply it is its own failure. */
  | { readonly kind: 'apply'; readonly view: RevisionView; readonly prove: boolean }
  | { readonly kind: 'refuse'; readonly view: RevisionView }
  | { readonly kind: 'mark-ready'; readonly view: RevisionView }
  | { readonly kind: 'mark-failed'; readonly view: RevisionView; readonly reason: string }
  | { readonly kind: 'serve'; readonly view: RevisionView }
  | { readonly kind: 'route'; readonly view: RevisionView }
  | { readonly kind: 'drain'; readonly view: RevisionView }
  | { readonly kind: 'delete-revision'; readonly view: RevisionView }
  | { readonly kind: 'release' }
  | { readonly kind: 'bury' };

export interface Plan {
  /** Undefined: nothing to do now. Otherwise the plan is made anew after it. */
  readonly step: Step | undefined;
  /** When to look again although nothing happened. */
  readonly againMs: number | undefined;
}

/** How often a draining revision, or one that settles, is looked at. */
const pollMs = 100;

export function decidePlan(view: FunctionView, limits: RolloutLimits): Plan {
  const { record } = view;
  if (record === undefined) return { step: removalStep(view, limits), againMs: undefined };
  const accepted = view.revisions.filter(({ number }) => number <= record.latest);
  const latest = accepted.find(({ number }) => number === record.latest);
  const serving = accepted.find((each) => each.record.id === record.serving);
  const target = serving ?? latest;
  const old = accepted.filter((each) => each !== target && each !== latest);
  const step =
    firstRouteStep(target, serving, view.routed) ??
    rolloutStep(latest, serving, limits) ??
    targetStep(target, view.routed, limits) ??
    first(old, (each) => oldStep(each, target, limits)) ??
    first(view.strays, (revision): Step => ({ kind: 'forget', revision })) ??
    retentionStep(accepted, old, limits);
  return { step, againMs: againMs(accepted, latest, limits) };
}

/** Nobody who calls right after the first deploy was accepted is told that there is no such function. */
function firstRouteStep(
  target: RevisionView | undefined,
  serving: RevisionView | undefined,
  routed: RevisionId | undefined,
): Step | undefined {
  if (serving !== undefined || target?.record.state !== 'pending' || routed === target.record.id) return undefined;
  return { kind: 'route', view: target };
}

function rolloutStep(
  latest: RevisionView | undefined,
  serving: RevisionView | undefined,
  limits: RolloutLimits,
): Step | undefined {
  if (latest === undefined) return undefined;
  const { record, phase } = latest;
  if (record.state === 'ready') return serving === latest ? undefined : { kind: 'serve', view: latest };
  if (record.state === 'failed') {
    // Without a serving revision the failed one stays the target, and callers learn why it failed.
    if (serving !== undefined) return forgetStep(latest, limits);
    return phase === 'refused' ? undefined : { kind: 'refuse', view: latest };
  }
  if (phase !== 'applied') return { kind: 'apply', view: latest, prove: true };
  if (isProven(latest, limits)) return { kind: 'mark-ready', view: latest };
  const reason = failureOf(latest, limits);
  return reason === undefined ? undefined : { kind: 'mark-failed', view: latest, reason };
}

function targetStep(
  target: RevisionView | undefined,
  routed: RevisionId | undefined,
  limits: RolloutLimits,
): Step | undefined {
  if (target === undefined) return routed === undefined ? undefined : { kind: 'remove-route' };
  const again = target.phase === 'refused' && target.phaseMs >= limits.resyncMs;
  const idle = target.phase === 'absent' || target.phase === 'leaving' || again;
  if (target.record.state === 'ready' && idle) return { kind: 'apply', view: target, prove: false };
  return routed === target.record.id ? undefined : { kind: 'route', view: target };
}

function oldStep(old: RevisionView, target: RevisionView | undefined, limits: RolloutLimits): Step | undefined {
  if (old.record.state === 'pending') {
    return { kind: 'mark-failed', view: old, reason: 'superseded by a newer revision before it was ready' };
  }
  if (old.phase !== 'applied' || old.record.state !== 'ready' || target?.record.state !== 'ready') {
    return forgetStep(old, limits);
  }
  if (old.drainingMs === undefined) return { kind: 'drain', view: old };
  return old.busy && old.drainingMs < old.timeoutMs ? undefined : forgetStep(old, limits);
}

/** Tells the engine to forget a revision that is in force or has instances; again when they are still there later. */
function forgetStep(view: RevisionView, limits: RolloutLimits): Step | undefined {
  const gone = view.phase === 'absent' && !view.live;
  const onItsWay = view.phase === 'leaving' && view.phaseMs < limits.resyncMs;
  return gone || onItsWay ? undefined : { kind: 'forget', revision: view.record.id };
}

function retentionStep(
  accepted: readonly RevisionView[],
  old: readonly RevisionView[],
  limits: RolloutLimits,
): Step | undefined {
  const kept = Math.max(0, limits.keepRevisions - (accepted.length - old.length));
  const surplus = old.slice(0, Math.max(0, old.length - kept));
  const view = surplus.find(({ phase }) => phase === 'absent');
  return view === undefined ? undefined : { kind: 'delete-revision', view };
}

function removalStep(view: FunctionView, limits: RolloutLimits): Step | undefined {
  const { retired, revisions } = view;
  if (view.routed !== undefined) return { kind: 'remove-route' };
  const forget =
    first(revisions, (each) => forgetStep(each, limits)) ??
    first(view.strays, (revision): Step => ({ kind: 'forget', revision }));
  if (forget !== undefined) return forget;
  // A number above the retired ones is the first half of a function that is being made again.
  const past = revisions.find(({ number, ageMs }) => number <= (retired?.latest ?? 0) || ageMs > limits.orphanMs);
  if (past !== undefined) return { kind: 'delete-revision', view: past };
  if (retired === undefined || revisions.length > 0 || view.live) return undefined;
  if (!retired.released) return { kind: 'release' };
  return retired.ageMs > limits.logRetentionMs ? { kind: 'bury' } : undefined;
}

function isProven(latest: RevisionView, limits: RolloutLimits): boolean {
  if (latest.ready === 0) return false;
  return latest.ready >= latest.wanted || latest.phaseMs >= limits.settleMs;
}

function failureOf(latest: RevisionView, limits: RolloutLimits): string | undefined {
  const last = latest.lastFailure ?? 'no instance became ready';
  if (latest.ready > 0) return undefined;
  if (latest.failures >= limits.startAttempts) return `${latest.failures} starts failed, the last one: ${last}`;
  const { attemptedMs } = latest;
  if (attemptedMs !== undefined && attemptedMs >= limits.startDeadlineMs) {
    return `not ready within ${limits.startDeadlineMs} ms: ${last}`;
  }
  if (attemptedMs === undefined && latest.phaseMs >= limits.roomDeadlineMs) {
    return `not started within ${limits.roomDeadlineMs} ms: ${last}`;
  }
  return undefined;
}

function againMs(
  accepted: readonly RevisionView[],
  latest: RevisionView | undefined,
  limits: RolloutLimits,
): number | undefined {
  if (accepted.some(({ drainingMs, phase }) => drainingMs !== undefined && phase === 'applied')) return pollMs;
  if (latest?.record.state !== 'pending') return undefined;
  if (latest.ready > 0) return pollMs;
  if (latest.attemptedMs === undefined) return 1_000;
  return Math.max(pollMs, limits.startDeadlineMs - latest.attemptedMs);
}

function first<T>(items: readonly T[], step: (item: T) => Step | undefined): Step | undefined {
  for (const item of items) {
    const found = step(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
