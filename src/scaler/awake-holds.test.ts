import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadSnapshot } from '../router/router.ts';
import { AwakeHolds } from './awake-holds.ts';

const load: LoadSnapshot = {
  revision: 'a/b-00001',
  inFlight: 0,
  waiting: 0,
  ready: 1,
  starting: 0,
  completed: 7,
  lastActiveMs: 10,
  peak: 0,
};

test('a held revision counts as one call in flight until the last hold is let go, however often', () => {
  const holds = new AwakeHolds(() => 99);
  const first = holds.hold(load.revision);
  const second = holds.hold(load.revision);
  const held = [{ ...load, inFlight: 1, peak: 1, lastActiveMs: 99 }];
  assert.deepEqual(holds.withHolds([load]), held);
  first();
  first();
  assert.deepEqual(holds.withHolds([load]), held);
  second();
  assert.deepEqual(holds.withHolds([load]), [load]);
});

test('calls of its own are not counted twice, and other revisions are left alone', () => {
  const holds = new AwakeHolds();
  holds.hold(load.revision);
  const loads = [
    { ...load, inFlight: 3 },
    { ...load, waiting: 1 },
    { ...load, revision: 'a/c-00001' as const },
  ];
  assert.deepEqual(holds.withHolds(loads), loads);
});
