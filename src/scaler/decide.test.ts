import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { quietObservation as quiet } from '../../test/support/quiet-observation.ts';
import { resolveScaling } from '../model/resolve-scaling.ts';
import type { ScalingSettings } from '../model/scaling.ts';
import { clampManualCount, decideCount, type ScaleObservation } from './decide.ts';

const scaling: ScalingSettings = resolveScaling({ 'com.openfaas.scale.zero-duration': '1s' }, {});
function count(seen: Partial<ScaleObservation>, current: number, settings: Partial<ScalingSettings> = {}): number {
  return decideCount({ ...quiet, ...seen }, { ...scaling, ...settings }, current).count;
}

describe('decideCount', () => {
  test('replicas follow the average load by the target', () => {
    assert.equal(count({ load: 101, inFlight: 101 }, 1), 3);
  });

  test('an instance that takes one call at once is the target, whatever the label says', () => {
    assert.equal(count({ load: 4, inFlight: 4, concurrency: 1 }, 1), 4);
  });

  test('calls that wait count at once and in full', () => {
    assert.equal(count({ load: 0, inFlight: 10, waiting: 30, concurrency: 10 }, 1), 4);
  });

  test('calls that are through before an instance could help grow it to the number of cores, and only where some wait', () => {
    const crowd = { load: 1_000, inFlight: 100, waiting: 900 };
    assert.equal(count({ ...crowd, completedPerMs: 10 }, 1), 2);
    assert.equal(count({ ...crowd, completedPerMs: 10, host: { cores: 8, idleShare: 1 } }, 1), 8);
    assert.equal(count({ load: 90, inFlight: 90, completedPerMs: 10 }, 1), 1);
    assert.equal(count({ load: 90, inFlight: 90, completedPerMs: 10 }, 0), 1);
  });

  test('calls that block get their instances, however many are done', () => {
    const crowd = { load: 1_000, inFlight: 100, waiting: 900 };
    assert.equal(count({ ...crowd, completedPerMs: 0 }, 1), 20);
    assert.equal(count({ ...crowd, completedPerMs: 3.9 }, 1), 20);
    assert.equal(count({ ...crowd, completedPerMs: undefined }, 1), 20);
  });

  test('quick calls grow a function by the idle cores, and by none before their rate is known', () => {
    const crowd = { load: 1_000, inFlight: 100, waiting: 900, completedPerMs: 10 };
    assert.equal(count({ ...crowd, host: { cores: 8, idleShare: 0.25 } }, 1), 3);
    assert.equal(count({ ...crowd, host: { cores: 2, idleShare: 0.49 } }, 1), 1);
    assert.equal(count({ ...crowd, host: { cores: 8, idleShare: 0.01 } }, 1), 1);
    assert.equal(count({ ...crowd, completedPerMs: Number.POSITIVE_INFINITY }, 1), 1);
  });

  test('a host that has no time left is given longer, since a start takes longer there too', () => {
    const crowd = { load: 1_000, inFlight: 100, waiting: 900, completedPerMs: 1 };
    assert.equal(count({ ...crowd, host: { cores: 2, idleShare: 1 } }, 1), 20);
    assert.equal(count({ ...crowd, host: { cores: 2, idleShare: 0.2 } }, 1), 1);
    assert.equal(count({ ...crowd, host: { cores: 2, idleShare: 0 } }, 1), 1);
    assert.equal(count({ ...crowd, completedPerMs: 0.4, host: { cores: 2, idleShare: 0 } }, 1), 20);
  });

  test('what has grown for slow calls stays while they are quick, and shrinks by the formula', () => {
    assert.equal(count({ load: 1_000, inFlight: 1_000, completedPerMs: 10, highestRecent: 20 }, 12), 12);
    assert.equal(count({ load: 100, inFlight: 100, completedPerMs: 10 }, 12), 2);
  });

  test('calls that only compute get an instance for each core and no more, but the minimum', () => {
    const computing = resolveScaling({}, { 'com.tinderbox.cpu-bound': 'true' });
    const crowd = { load: 1_000, inFlight: 4, waiting: 996, concurrency: 1, host: { cores: 4, idleShare: 0 } };
    assert.deepEqual(
      [decideCount({ ...quiet, ...crowd }, computing, 1)].map(({ count, reason }) => [count, reason]),
      [[4, 'cores']],
    );
    assert.equal(decideCount({ ...quiet, ...crowd }, { ...computing, min: 6 }, 1).count, 6);
  });

  test('the label max holds whatever waits', () => {
    assert.equal(count({ load: 5_000, waiting: 5_000 }, 3), 20);
  });

  test('down goes only to the highest recommendation of the hold window', () => {
    assert.equal(count({ load: 10, inFlight: 10, highestRecent: 4 }, 6), 4);
    assert.equal(count({ load: 10, inFlight: 10, highestRecent: 1 }, 6), 1);
  });

  test('down goes not below what ran before while the load is not known', () => {
    assert.equal(count({ before: 4 }, 6), 4);
    assert.equal(count({ before: 4 }, 3), 3);
    assert.equal(count({ before: 5, idleMs: 1_000 }, 5), 0);
  });

  test('an idle function sleeps after its time and not before', () => {
    assert.equal(count({ idleMs: 999 }, 1), 1);
    assert.equal(count({ idleMs: 1_000, highestRecent: 5 }, 5), 0);
  });

  test('nothing sleeps while a call is in flight or an instance is on its way', () => {
    assert.equal(count({ idleMs: 5_000, inFlight: 1 }, 1), 1);
    assert.equal(count({ idleMs: 5_000, starting: true }, 1), 1);
  });

  test('a function that must not sleep keeps its minimum, and comes back to it', () => {
    assert.equal(count({ idleMs: 5_000 }, 4, { zero: false, min: 2 }), 2);
    assert.equal(count({ idleMs: 5_000 }, 0, { zero: false, min: 2 }), 2);
  });

  test('a sleeping function stays asleep without a call', () => {
    assert.equal(count({ idleMs: 0 }, 0), 0);
  });

  test('what somebody scaled to zero stays there until a call comes, also with a minimum', () => {
    assert.equal(count({ heldAtZero: true }, 0, { zero: false, min: 2 }), 0);
    assert.equal(count({ heldAtZero: true, waiting: 1 }, 0, { zero: false, min: 2 }), 2);
  });

  test('the count asked for at deploy holds until an instance was ready', () => {
    assert.equal(count({ idleMs: 5_000, floor: 3 }, 3), 3);
  });

  test('every decision lies within the bounds, and one stays while calls are there', () => {
    const observation = fc.record({
      nowMs: fc.nat(1e6),
      panicLoad: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
      panic: fc.option(fc.record({ sinceMs: fc.nat(1e6), highest: fc.nat(50) }), { nil: undefined }),
      ready: fc.nat(40),
      alerted: fc.nat(50),
      load: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
      inFlight: fc.nat(1e5),
      waiting: fc.nat(1e5),
      completedPerMs: fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined }),
      host: fc.record({
        cores: fc.integer({ min: 1, max: 64 }),
        idleShare: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      concurrency: fc.integer({ min: 1, max: 10_000 }),
      idleMs: fc.nat(1e6),
      starting: fc.boolean(),
      floor: fc.nat(5),
      heldAtZero: fc.boolean(),
      highestRecent: fc.nat(30),
      before: fc.nat(30),
    });
    const dialect = fc.constantFrom<ScalingSettings>(
      scaling,
      resolveScaling({ 'com.openfaas.scale.type': 'rps' }, {}),
      resolveScaling({ 'com.openfaas.scale.type': 'cpu' }, {}),
      resolveScaling({}, { 'autoscaling.knative.dev/metric': 'concurrency' }),
      resolveScaling({}, { 'autoscaling.knative.dev/activation-scale': '4' }),
    );
    const bounds = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 5, max: 30 }), fc.boolean());
    fc.assert(
      fc.property(observation, dialect, bounds, fc.nat(40), (seen, own, [min, max, zero], current) => {
        const decided = decideCount(seen, { ...own, min, max, zero }, current).count;
        assert.ok(decided <= max);
        if (seen.inFlight + seen.waiting > 0) assert.ok(decided >= 1);
        if (!zero && !seen.heldAtZero) assert.ok(decided >= min);
      }),
    );
  });
});

test('a count set by hand lies between the labels, and zero stays zero', () => {
  const bounds = { ...scaling, min: 2, max: 4 };
  assert.deepEqual(
    [0, 1, 3, 99, -1].map((wish) => clampManualCount(wish, bounds)),
    [0, 2, 3, 4, 0],
  );
});
