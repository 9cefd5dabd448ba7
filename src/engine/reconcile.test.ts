import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance, InstanceState } from '../model/instance.ts';
import { backoffAfterFailure, decideReconcile, noBackoff } from './reconcile.ts';

function instance(id: string, state: InstanceState, startedAtMs = 0): Instance {
  const protections = {
    cgroup: 'none',
    noNewPrivileges: false,
    mountNamespace: false,
    pidNamespace: false,
    network: 'host',
    memoryLimit: 'none',
    missing: [],
  } as const;
  return { id, revision: 'ns/f-00001', state, concurrency: 1, startedAtMs, pooled: false, protections };
}

const calm = { backoff: noBackoff, startsAllowed: 100, nowMs: 1000 };

test('what is missing is started; draining, stopped and failed instances do not count', () => {
  const instances = [instance('a', 'ready'), instance('b', 'draining'), instance('c', 'failed')];
  assert.equal(decideReconcile({ ...calm, desired: 4, instances }).starts, 3);
  assert.equal(decideReconcile({ ...calm, desired: 1, instances }).starts, 0);
});

test('no more is started than the host allows', () => {
  assert.equal(decideReconcile({ ...calm, desired: 9, instances: [], startsAllowed: 2 }).starts, 2);
  assert.equal(decideReconcile({ ...calm, desired: 9, instances: [], startsAllowed: -1 }).starts, 0);
});

test('of too many, those that are starting go first, then the youngest', () => {
  const instances = [instance('old', 'ready', 1), instance('young', 'ready', 2), instance('new', 'starting', 3)];
  assert.deepEqual(decideReconcile({ ...calm, desired: 1, instances }).stops, ['new', 'young']);
  assert.deepEqual(decideReconcile({ ...calm, desired: 0, instances }).stops, ['new', 'young', 'old']);
});

test('nothing is started before the wait is over, and then one at a time', () => {
  const backoff = { failures: 2, retryAtMs: 1500 };
  const waiting = decideReconcile({ ...calm, desired: 5, instances: [], backoff });
  assert.deepEqual(waiting, { starts: 0, stops: [], lookAgainAtMs: 1500 });
  const over = { ...calm, desired: 5, backoff, nowMs: 1500 };
  assert.equal(decideReconcile({ ...over, instances: [] }).starts, 1);
  assert.equal(decideReconcile({ ...over, instances: [instance('a', 'starting')] }).starts, 0);
});

test('a wait does not keep instances from being stopped', () => {
  const backoff = { failures: 2, retryAtMs: 1500 };
  assert.deepEqual(decideReconcile({ ...calm, desired: 0, backoff, instances: [instance('a', 'ready')] }).stops, ['a']);
});

test('waits double from 200 ms to 30 s; failures of one batch count once', () => {
  let backoff = noBackoff;
  const waits = Array.from({ length: 10 }, () => {
    const nowMs = backoff.retryAtMs;
    backoff = backoffAfterFailure(backoff, nowMs);
    assert.equal(backoffAfterFailure(backoff, nowMs + 1), backoff);
    return backoff.retryAtMs - nowMs;
  });
  assert.deepEqual(waits, [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
});
