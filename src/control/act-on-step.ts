import type { Engine } from '../engine/engine.ts';
import type { Identities } from '../identity/identities.ts';
import { TinderboxError } from '../model/errors.ts';
import type { FunctionRecord, RevisionRecord } from '../model/function.ts';
import { formatFunctionKey, type RevisionId } from '../model/names.ts';
import { formatFunctionRecordKey, formatRetiredRecordKey, formatRevisionRecordKey } from '../model/record-keys.ts';
import { type FunctionSettings, resolveSettings } from '../model/settings.ts';
import { summaryLine } from '../model/summary-line.ts';
import { untoldLines } from '../model/untold-lines.ts';
import { notice, rolloutChanged } from '../observe/channels.ts';
import type { Router } from '../router/router.ts';
import { createWorkload, formatOwner, type WorkloadSources } from './create-workload.ts';
import type { Step } from './decide-plan.ts';
import type { InForce, Records } from './function-observer.ts';
import type { RevisionView } from './function-view.ts';
import type { ObservedRevisions } from './observed-revisions.ts';
import { readLastLines } from './read-last-lines.ts';
import type { RevisionScaler } from './revision-scaler.ts';

/** Everything a step may touch. */
export interface StepParts extends WorkloadSources {
  readonly records: Records;
  readonly observed: ObservedRevisions;
  readonly inForce: Map<RevisionId, InForce>;
  readonly released: Set<string>;
  readonly engine: Pick<Engine, 'apply' | 'remove' | 'logs'>;
  readonly scaler: RevisionScaler;
  readonly router: Pick<Router, 'setRoute' | 'removeRoute'>;
  readonly identities: Identities | undefined;
  readonly removeLogs: (namespace: string, name: string) => Promise<void>;
  readonly now: () => number;
}

interface FunctionName {
  readonly namespace: string;
  readonly name: string;
}

/** Does one step. Rejects with `conflict` when a record changed meanwhile; then the plan is made anew. */
export async function actOnStep(step: Step, of: FunctionName, parts: StepParts): Promise<void> {
  switch (step.kind) {
    case 'remove-route':
      return parts.router.removeRoute(formatFunctionKey(of.namespace, of.name));
    case 'forget':
      return forget(step.revision, parts);
    case 'apply':
      parts.released.delete(formatOwner(of.namespace, of.name));
      return step.prove ? applyToProve(step.view, of, parts) : applyProven(step.view, of, parts);
    case 'refuse':
      return refuseFailed(step.view, parts);
    case 'mark-ready':
      return mark(step.view, { state: 'ready' }, parts);
    case 'mark-failed':
      return markFailed(step.view, step.reason, parts);
    case 'serve':
      return serve(step.view, of, parts);
    case 'route':
      return route(step.view, of, parts);
    case 'drain': {
      const { id } = step.view.record;
      const held = parts.inForce.get(id);
      if (held !== undefined) parts.inForce.set(id, { ...held, drainingSinceMs: parts.now() });
      return;
    }
    case 'delete-revision': {
      const { id } = step.view.record;
      await parts.records.revisions.delete(formatRevisionRecordKey(id));
      // It may have been expected and superseded, or its function deleted, before it was ever applied.
      parts.scaler.untrack(id);
      return parts.observed.drop(id);
    }
    case 'release':
      return release(of, parts);
    case 'bury':
      return bury(of, parts);
  }
}

async function forget(revision: RevisionId, parts: StepParts): Promise<void> {
  parts.scaler.untrack(revision);
  parts.inForce.set(revision, { phase: 'leaving', sinceMs: parts.now() });
  await parts.engine.remove(revision);
  settleLeaving(revision, parts);
}

/** Forgets a leaving revision once its last instance is gone. */
export function settleLeaving(revision: RevisionId, parts: Pick<StepParts, 'inForce' | 'observed'>): void {
  if (parts.inForce.get(revision)?.phase !== 'leaving' || parts.observed.get(revision).live > 0) return;
  parts.inForce.delete(revision);
  parts.observed.drop(revision);
}

async function applyToProve(view: RevisionView, of: FunctionName, parts: StepParts): Promise<void> {
  const { record } = view;
  const settings = resolveSettings(record.spec);
  try {
    await parts.engine.apply(await createWorkload(record, parts));
  } catch (reason) {
    return markFailed(view, explain(TinderboxError.from(reason)), parts);
  }
  const functionRecord = readFunction(of, parts);
  const { min, max, initial: asked = min } = settings.scaling;
  const running = functionRecord?.serving === undefined ? 0 : (parts.scaler.counts().get(functionRecord.serving) ?? 0);
  const initial = Math.min(max, Math.max(1, min, asked, running, functionRecord?.replicas ?? 1));
  await enforce(record, settings, initial, parts);
}

async function applyProven(view: RevisionView, of: FunctionName, parts: StepParts): Promise<void> {
  const { record } = view;
  const settings = resolveSettings(record.spec);
  try {
    await parts.engine.apply(await createWorkload(record, parts));
  } catch (reason) {
    return refuse(record.id, explain(TinderboxError.from(reason)), parts);
  }
  const live = parts.observed.get(record.id).live;
  await enforce(record, settings, initialAfterRestart(settings, readFunction(of, parts)?.replicas ?? 1, live), parts);
}

/** What slept stays asleep, what was adopted stays, and what must not sleep comes back. */
function initialAfterRestart({ scaling }: FunctionSettings, replicas: number, live: number): number {
  if (scaling.zero || replicas === 0) return Math.min(scaling.max, live);
  return Math.min(scaling.max, Math.max(live, scaling.min, replicas, 1));
}

async function enforce(
  { id }: RevisionRecord,
  settings: FunctionSettings,
  initial: number,
  parts: StepParts,
): Promise<void> {
  parts.observed.reset(id);
  parts.inForce.set(id, { phase: 'applied', sinceMs: parts.now() });
  try {
    await parts.scaler.track(id, settings, initial);
  } catch (reason) {
    const held = parts.inForce.get(id);
    if (held !== undefined) parts.inForce.set(id, { ...held, note: TinderboxError.from(reason).message });
  }
}

async function refuseFailed(view: RevisionView, parts: StepParts): Promise<void> {
  const reason = summaryLine(view.record.failure ?? 'it failed');
  if (view.phase === 'applied' || view.live) await parts.engine.remove(view.record.id);
  refuse(view.record.id, `${view.record.id} failed: ${reason}`, parts);
}

function refuse(id: RevisionId, message: string, parts: StepParts): void {
  parts.scaler.refuse(id, new TinderboxError('cannot-start', message, { retryAfterMs: 10_000 }));
  parts.inForce.set(id, { phase: 'refused', sinceMs: parts.now() });
  notice.publish({ level: 'warn', part: 'control', message });
}

async function markFailed(view: RevisionView, reason: string, parts: StepParts): Promise<void> {
  const { id, spec } = view.record;
  const failed = parts.observed.get(id).lastFailure;
  const lines =
    failed === undefined || view.phase !== 'applied'
      ? []
      : await readLastLines(parts.engine, {
          namespace: spec.namespace,
          name: spec.name,
          instance: failed.instance,
        });
  const failure = [reason, ...untoldLines(lines, [reason])].join('\n');
  await mark(view, { state: 'failed', failure }, parts);
}

async function mark(
  { record }: RevisionView,
  change: Pick<RevisionRecord, 'state' | 'failure'>,
  parts: StepParts,
): Promise<void> {
  const key = formatRevisionRecordKey(record.id);
  const entry = parts.records.revisions.get(key);
  if (entry === undefined || (entry.value as RevisionRecord).state !== record.state) return;
  await parts.records.revisions.put(key, { ...record, ...change }, entry.version);
  const why = change.failure === undefined ? {} : { reason: summaryLine(change.failure) };
  rolloutChanged.publish({ revision: record.id, state: change.state, ...why });
}

async function serve(view: RevisionView, of: FunctionName, parts: StepParts): Promise<void> {
  const key = formatFunctionRecordKey(of.namespace, of.name);
  const entry = parts.records.functions.get(key);
  if (entry === undefined) return;
  const record: FunctionRecord = { ...(entry.value as FunctionRecord), serving: view.record.id };
  await parts.records.functions.put(key, record, entry.version);
  rolloutChanged.publish({ revision: view.record.id, state: 'serving' });
}

function route({ record }: RevisionView, of: FunctionName, parts: StepParts): void {
  const key = formatFunctionKey(of.namespace, of.name);
  if (!parts.inForce.has(record.id)) parts.scaler.expect(record.id);
  parts.router.setRoute({ key, revision: record.id, settings: resolveSettings(record.spec) });
}

async function release({ namespace, name }: FunctionName, parts: StepParts): Promise<void> {
  const owner = formatOwner(namespace, name);
  await parts.identities?.release('function', owner);
  parts.released.add(owner);
}

async function bury({ namespace, name }: FunctionName, parts: StepParts): Promise<void> {
  await parts.removeLogs(namespace, name);
  await parts.records.retired.delete(formatRetiredRecordKey(namespace, name));
  parts.released.delete(formatOwner(namespace, name));
}

function readFunction({ namespace, name }: FunctionName, parts: StepParts): FunctionRecord | undefined {
  return parts.records.functions.get(formatFunctionRecordKey(namespace, name))?.value as FunctionRecord | undefined;
}

function explain({ message, hint }: TinderboxError): string {
  return hint === undefined ? message : `${message}; ${hint}`;
}
