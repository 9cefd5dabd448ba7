import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RevisionState } from '../model/function.ts';
import { formatRevisionId } from '../model/names.ts';
import { decidePlan, type Plan } from './decide-plan.ts';
import type { FunctionView, RevisionView } from './function-view.ts';
import { resolveRolloutLimits } from './rollout-limits.ts';

const limits = resolveRolloutLimits();
const spec = { namespace: 'ns', name: 'f', image: 'f', secrets: [], labels: {}, annotations: {} };

function revision(number: number, state: RevisionState, rest: Partial<RevisionView> = {}): RevisionView {
  const id = formatRevisionId('ns', 'f', number);
  return {
    number,
    record: { id, spec, artifact: 'sha256:x', secretVersions: {}, state, createdAt: '' },
    phase: 'absent',
    phaseMs: 0,
    ready: 0,
    live: false,
    wanted: 1,
    failures: 0,
    lastFailure: undefined,
    attemptedMs: undefined,
    busy: false,
    drainingMs: undefined,
    timeoutMs: 60_000,
    ageMs: 0,
    ...rest,
  };
}

const inForce = { phase: 'applied', ready: 1, live: true } as const;

function plan(serving: number | undefined, revisions: readonly RevisionView[], rest: Partial<FunctionView> = {}): Plan {
  const latest = Math.max(...revisions.map(({ number }) => number));
  const named = serving === undefined ? {} : { serving: formatRevisionId('ns', 'f', serving) };
  const record = { spec, latest, replicas: 1, createdAt: '', ...named };
  const view = { record, retired: undefined, routed: named.serving, revisions, strays: [], live: true, ...rest };
  return decidePlan(view, limits);
}

function step(...of: Parameters<typeof plan>): string {
  const { step: next } = plan(...of);
  if (next === undefined) return 'nothing';
  if ('view' in next) return `${next.kind} ${next.view.number}`;
  return 'revision' in next ? `${next.kind} ${next.revision}` : next.kind;
}

describe('decidePlan', () => {
  test('a function at rest needs nothing', () => {
    assert.deepEqual(plan(1, [revision(1, 'ready', inForce)]), { step: undefined, againMs: undefined });
  });

  test('a new revision is applied, then marked ready, then serves, then is routed, then the old one drains', () => {
    const old = revision(1, 'ready', inForce);
    const leaving = { ...inForce, drainingMs: 10 };
    assert.equal(step(1, [old, revision(2, 'pending')]), 'apply 2');
    assert.equal(step(1, [old, revision(2, 'pending', { phase: 'applied' })]), 'nothing');
    assert.equal(step(1, [old, revision(2, 'pending', inForce)]), 'mark-ready 2');
    assert.equal(step(1, [old, revision(2, 'ready', inForce)]), 'serve 2');
    assert.equal(step(2, [old, revision(2, 'ready', inForce)], { routed: 'ns/f-00001' }), 'route 2');
    assert.equal(step(2, [old, revision(2, 'ready', inForce)]), 'drain 1');
    assert.equal(step(2, [revision(1, 'ready', { ...leaving, busy: true }), revision(2, 'ready', inForce)]), 'nothing');
    assert.equal(step(2, [revision(1, 'ready', leaving), revision(2, 'ready', inForce)]), 'forget ns/f-00001');
  });

  test('a drain ends when the longest call must have ended', () => {
    const stuck = revision(1, 'ready', { ...inForce, drainingMs: 60_000, busy: true });
    assert.equal(step(2, [stuck, revision(2, 'ready', inForce)]), 'forget ns/f-00001');
  });

  test('traffic waits for the full count, but not for ever', () => {
    const old = revision(1, 'ready', inForce);
    const half = { ...inForce, wanted: 2 };
    assert.equal(step(1, [old, revision(2, 'pending', half)]), 'nothing');
    assert.equal(step(1, [old, revision(2, 'pending', { ...half, phaseMs: 10_000 })]), 'mark-ready 2');
  });

  test('calls go to the first revision before it is proven, and are refused when it failed', () => {
    assert.equal(step(undefined, [revision(1, 'pending')]), 'route 1');
    assert.equal(step(undefined, [revision(1, 'pending')], { routed: 'ns/f-00001' }), 'apply 1');
    assert.equal(step(undefined, [revision(1, 'failed', { phase: 'applied' })]), 'refuse 1');
    assert.equal(step(undefined, [revision(1, 'failed', { phase: 'refused' })]), 'route 1');
  });

  test('a new revision fails after its attempts, its deadline, or when no room came', () => {
    const old = revision(1, 'ready', inForce);
    const failed = (rest: Partial<RevisionView>): string => {
      const next = plan(1, [old, revision(2, 'pending', { phase: 'applied', ...rest })]).step;
      return next?.kind === 'mark-failed' ? next.reason : 'not failed';
    };
    assert.equal(failed({ failures: 2, lastFailure: 'x' }), 'not failed');
    assert.equal(failed({ failures: 3, lastFailure: 'x' }), '3 starts failed, the last one: x');
    assert.match(failed({ attemptedMs: 60_000 }), /^not ready within 60000 ms/);
    assert.match(failed({ phaseMs: 300_000, lastFailure: 'no room' }), /^not started within 300000 ms: no room/);
  });

  test('a restart applies the serving revision without a proof and forgets what else still runs', () => {
    const serving = revision(2, 'ready');
    const next = plan(2, [revision(1, 'ready', { live: true }), serving], { routed: undefined }).step;
    assert.deepEqual(next, { kind: 'apply', view: serving, prove: false });
    assert.equal(step(2, [revision(1, 'ready', { live: true }), revision(2, 'ready', inForce)]), 'forget ns/f-00001');
    assert.equal(step(1, [revision(1, 'ready', inForce)], { strays: ['ns/f-00009'] }), 'forget ns/f-00009');
  });

  test('a refused revision is tried again now and then', () => {
    assert.equal(step(1, [revision(1, 'ready', { phase: 'refused' })]), 'nothing');
    assert.equal(step(1, [revision(1, 'ready', { phase: 'refused', phaseMs: 30_000 })]), 'apply 1');
  });

  test('what the engine was told to forget is not told again at once', () => {
    const serving = revision(2, 'ready', inForce);
    const leaving = { phase: 'leaving', live: true } as const;
    assert.equal(step(2, [revision(1, 'ready', leaving), serving]), 'nothing');
    assert.equal(step(2, [revision(1, 'ready', { ...leaving, phaseMs: 30_000 }), serving]), 'forget ns/f-00001');
  });

  test('the oldest revisions are deleted beyond those that are kept; a deploy not yet accepted is left alone', () => {
    const many = [1, 2, 3, 4].map((number) => revision(number, 'failed'));
    assert.equal(step(5, [...many, revision(5, 'ready', inForce)]), 'delete-revision 1');
    const record = { spec, latest: 1, replicas: 1, createdAt: '', serving: 'ns/f-00001' } as const;
    assert.equal(step(1, [revision(1, 'ready', inForce), revision(2, 'pending')], { record }), 'nothing');
  });

  test('a deleted function loses its route first, then its instances, its records, its user, and its logs at last', () => {
    const gone = { record: undefined, live: false } as const;
    const retired = { latest: 1, deletedAt: '', ageMs: 0, released: false };
    const one = revision(1, 'ready');
    assert.equal(step(1, [revision(1, 'ready', inForce)], { ...gone }), 'remove-route');
    assert.equal(step(undefined, [revision(1, 'ready', inForce)], { ...gone, retired }), 'forget ns/f-00001');
    assert.equal(step(undefined, [one], { ...gone, retired }), 'delete-revision 1');
    assert.equal(step(undefined, [revision(2, 'pending')], { ...gone, retired }), 'nothing');
    assert.equal(
      step(undefined, [revision(2, 'pending', { ageMs: 3_600_001 })], { ...gone, retired }),
      'delete-revision 2',
    );
    assert.equal(step(undefined, [], { ...gone, retired, live: true }), 'nothing');
    assert.equal(step(undefined, [], { ...gone, retired }), 'release');
    assert.equal(step(undefined, [], { ...gone, retired: { ...retired, released: true } }), 'nothing');
    const long = { ...retired, released: true, ageMs: limits.logRetentionMs + 1 };
    assert.equal(step(undefined, [], { ...gone, retired: long }), 'bury');
  });
});
