import type { FunctionRecord, RetiredRecord, RevisionRecord } from '../model/function.ts';
import { formatFunctionKey, parseRevisionId, type RevisionId } from '../model/names.ts';
import { formatFunctionRecordKey, formatRetiredRecordKey, formatRevisionFolder } from '../model/record-keys.ts';
import { resolveSettings } from '../model/settings.ts';
import type { Router } from '../router/router.ts';
import type { Mirror } from '../store/mirror.ts';
import type { FunctionView, RevisionPhase, RevisionView } from './function-view.ts';
import type { ObservedRevisions } from './observed-revisions.ts';
import type { RevisionScaler } from './revision-scaler.ts';

/** The store's records as control reads them. */
export interface Records {
  readonly functions: Mirror;
  readonly revisions: Mirror;
  readonly retired: Mirror;
}

/** What was done with a revision since this platform started. */
export interface InForce {
  readonly phase: Exclude<RevisionPhase, 'absent'>;
  readonly sinceMs: number;
  /** Why it has no instances yet, where that is known. */
  readonly note?: string;
  readonly drainingSinceMs?: number;
}

export interface ObserverParts {
  readonly records: Records;
  readonly observed: ObservedRevisions;
  readonly inForce: Map<RevisionId, InForce>;
  readonly released: ReadonlySet<string>;
  readonly scaler: Pick<RevisionScaler, 'counts'>;
  readonly router: Pick<Router, 'route' | 'load'>;
  /** Milliseconds since the epoch, never going back. */
  readonly now: () => number;
}

/** Puts together all that a decision about one function needs. */
export function observeFunction(namespace: string, name: string, parts: ObserverParts): FunctionView {
  const { records, observed } = parts;
  const record = records.functions.get(formatFunctionRecordKey(namespace, name))?.value as FunctionRecord | undefined;
  const retired = records.retired.get(formatRetiredRecordKey(namespace, name))?.value as RetiredRecord | undefined;
  const revisions = records.revisions
    .children(formatRevisionFolder(namespace, name))
    .map((entry) => viewRevision(entry.value as RevisionRecord, parts))
    .sort((a, b) => a.number - b.number);
  const known = new Set(revisions.map(({ record }) => record.id));
  const live = observed.liveOf(`${namespace}/${name}`);
  return {
    record,
    retired: retired && {
      ...retired,
      ageMs: parts.now() - Date.parse(retired.deletedAt),
      released: parts.released.has(`${namespace}/${name}`),
    },
    routed: parts.router.route(formatFunctionKey(namespace, name))?.revision,
    revisions,
    strays: live.filter((id) => !known.has(id) && parts.inForce.get(id)?.phase !== 'leaving'),
    live: live.length > 0,
  };
}

function viewRevision(record: RevisionRecord, parts: ObserverParts): RevisionView {
  const { id } = record;
  const nowMs = parts.now();
  const seen = parts.observed.get(id);
  const held = parts.inForce.get(id);
  const left = held?.phase === 'leaving' && seen.live === 0;
  return {
    number: parseRevisionId(id).number,
    record,
    phase: held === undefined || left ? 'absent' : held.phase,
    phaseMs: held === undefined ? 0 : nowMs - held.sinceMs,
    ready: seen.ready,
    live: seen.live > 0,
    wanted: held?.phase === 'applied' && record.state === 'pending' ? (parts.scaler.counts().get(id) ?? 0) : 0,
    failures: seen.failures,
    lastFailure: seen.lastFailure?.reason ?? held?.note,
    attemptedMs: seen.firstSeenMs === undefined ? undefined : nowMs - seen.firstSeenMs,
    busy: held?.drainingSinceMs !== undefined && isBusy(id, parts.router),
    drainingMs: held?.drainingSinceMs === undefined ? undefined : nowMs - held.drainingSinceMs,
    timeoutMs: held?.drainingSinceMs === undefined ? 0 : resolveSettings(record.spec).timeoutMs,
    ageMs: nowMs - Date.parse(record.createdAt),
  };
}

function isBusy(id: RevisionId, router: Pick<Router, 'load'>): boolean {
  const load = router.load().find(({ revision }) => revision === id);
  return load !== undefined && load.inFlight + load.waiting > 0;
}
