import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance } from '../model/instance.ts';
import { ObservedRevisions } from './observed-revisions.ts';

const revision = 'ns/f-00001';

const protections: Instance['protections'] = {
  cgroup: 'none',
  noNewPrivileges: true,
  mountNamespace: false,
  pidNamespace: false,
  network: 'host',
  memoryLimit: 'none',
  missing: [],
};

function failed(id: string): Instance {
  const rest = { concurrency: 1, startedAtMs: 0, pooled: false, protections, reason: `${id} broke` };
  return { id, revision, state: 'failed', ...rest };
}

test('starts that fail are counted each once, and of a revision that crashes for ever only the latest are kept', () => {
  const observed = new ObservedRevisions(() => 0);
  observed.reset(revision);
  for (let count = 0; count < 10_000; count += 1) {
    observed.observe(failed(`i-${count}`));
    observed.observe(failed(`i-${count}`));
  }
  assert.equal(observed.get(revision).failures, 10_000);
  assert.equal(observed.get(revision).lastFailure?.reason, 'i-9999 broke');
  observed.observe(failed('i-0'));
  assert.equal(observed.get(revision).failures, 10_001, 'the first one is forgotten');
  observed.reset(revision);
  assert.equal(observed.get(revision).failures, 0);
  observed.drop(revision);
  assert.deepEqual(observed.liveOf('ns/f'), []);
});

test('an end that is told after its revision was dropped does not bring the revision back', () => {
  const observed = new ObservedRevisions(() => 0);
  observed.observe({ ...failed('i-0'), state: 'starting' });
  observed.observe(failed('i-0'));
  assert.equal(observed.get(revision).failures, 1);
  observed.drop(revision);
  observed.observe(failed('i-0'));
  assert.deepEqual([observed.get(revision).failures, observed.get(revision).firstSeenMs], [0, undefined]);
});
