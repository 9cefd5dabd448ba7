import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ScalerBench as Bench, a, b, napping, settings } from '../../test/support/scaler-bench.ts';
import { TinderboxError } from '../model/errors.ts';
import { notice } from '../observe/channels.ts';
import type { ScalerOptions } from './scaler.ts';

describe('what is not scaled by calls', () => {
  const metered = (read: () => Promise<number>): Partial<ScalerOptions> => ({
    meters: { cpu: read, queue: read, custom: read },
  });
  const settle = async (bench: Bench): Promise<void> => {
    bench.tick();
    await new Promise((resolve) => setImmediate(resolve));
    bench.tick();
  };

  test('a meter is read at ticks, and a count stays while it does not answer', async (t) => {
    let answer: number | Error = 130;
    const read = async (): Promise<number> => {
      if (typeof answer !== 'number') throw answer;
      return answer;
    };
    const bench = new Bench(t, {}, metered(read));
    await bench.scaler.track(a, settings({ type: 'cpu', target: '50', zero: 'false' }), 1);
    bench.ready(a);
    await settle(bench);
    // ceil(130 / (50 × 0.9)) = ceil(2.89)
    assert.equal(bench.last(a), 3);
    answer = new TinderboxError('unavailable', 'the meter is broken');
    for (let i = 0; i < 60; i += 1) await settle(bench);
    assert.equal(bench.last(a), 3);
    const state = bench.scaler.explain(a);
    assert.equal(state?.meterFailure, 'the meter is broken');
    assert.match(state?.decision?.reason ?? '', /no reading of its cpu load, so the count stays/);
    answer = 10;
    await settle(bench);
    await settle(bench);
    assert.equal(bench.last(a), 1);
    assert.equal(bench.scaler.explain(a)?.meterFailure, undefined);
  });

  test('Prometheus is asked every 15 s, with the name of the function', async (t) => {
    const asked: unknown[] = [];
    const bench = new Bench(
      t,
      {},
      metered(async () => asked.push(bench.nowMs)),
    );
    await bench.scaler.track(a, settings({ type: 'memory', target: '1', 'target-proportion': '1', zero: 'false' }), 1);
    bench.ready(a);
    for (let i = 0; i < 31; i += 1) await settle(bench);
    assert.deepEqual(asked, [2_000, 17_000, 32_000, 47_000, 62_000]);
    assert.equal(bench.last(a), 5);
  });

  test('nobody is asked for functions that are scaled by calls', async (t) => {
    let asked = 0;
    const bench = new Bench(
      t,
      {},
      metered(async () => (asked += 1)),
    );
    await bench.scaler.track(a, settings({ type: 'rps', zero: 'false' }), 1);
    await bench.scaler.track(b, settings({}), 1);
    bench.ready(a);
    bench.ready(b);
    for (let i = 0; i < 20; i += 1) bench.tick();
    assert.equal(asked, 0);
  });
});

describe('what else may decide', () => {
  test('an alert holds its count though there is no load, and its end lets go', async (t) => {
    const bench = new Bench(t);
    await bench.scaler.track(a, settings({ 'zero-duration': '5s' }), 1);
    bench.ready(a);
    await bench.scaler.setReplicas(a, 5);
    bench.scaler.alert(a, 5);
    for (let i = 0; i < 100; i += 1) bench.tick();
    assert.equal(bench.last(a), 5);
    assert.equal(bench.scaler.explain(a)?.decision?.reason, 'an alert asks for 5');
    bench.scaler.alert(a, 0);
    bench.tick();
    assert.equal(bench.last(a), 0);
  });

  test('an alert that nobody repeats ends by itself', async (t) => {
    const bench = new Bench(t);
    await bench.scaler.track(a, settings({ zero: 'false' }), 1);
    bench.ready(a);
    await bench.scaler.setReplicas(a, 5);
    bench.scaler.alert(a, 5);
    bench.tick(599_000);
    assert.equal(bench.last(a), 5);
    bench.tick(2_000);
    assert.equal(bench.last(a), 1);
  });

  test('a dry run tells what it would do, once, and does nothing but wake', async (t) => {
    const told: string[] = [];
    t.after(notice.subscribe(({ message }) => void told.push(message)));
    const bench = new Bench(t, {}, { defaults: { dryRun: true } });
    await bench.scaler.track(a, settings({ type: 'capacity', target: '5', zero: 'false' }), 1);
    bench.ready(a);
    bench.load(a, 20);
    for (let i = 0; i < 10; i += 1) bench.tick();
    assert.equal(bench.last(a), 1);
    assert.deepEqual(told, ['ns/a-00001: dry run, 1 would become 5: load 20 by 5 × 0.9 for each instance']);
    assert.equal(bench.scaler.explain(a)?.change?.to, 5);
    await bench.scaler.track(b, napping, 0);
    const wake = bench.scaler.wake(b);
    assert.equal(bench.last(b), 1);
    bench.ready(b);
    await wake;
  });

  test('a window of the clock raises the minimum and wakes what sleeps, and its end lets it sleep', async (t) => {
    let unixMs = Date.parse('2026-03-02T07:59:00Z');
    const bench = new Bench(t, {}, { unixNow: () => unixMs });
    const schedule = { 'com.tinderbox.scale.schedule': '0 8 * * 1-5 for 1h min 3' };
    await bench.scaler.track(a, settings({ 'zero-duration': '5s' }, schedule), 0);
    bench.tick();
    assert.equal(bench.last(a), undefined);
    unixMs = Date.parse('2026-03-02T08:00:00Z');
    bench.tick();
    assert.equal(bench.last(a), 3);
    bench.ready(a);
    unixMs = Date.parse('2026-03-02T08:59:59Z');
    bench.tick(60_000);
    assert.equal(bench.last(a), 3);
    unixMs = Date.parse('2026-03-02T09:00:00Z');
    bench.tick(60_000);
    assert.equal(bench.last(a), 0);
  });

  test('the first call of a sleeping function starts as many as the activation scale of Knative says, within the maximum', async (t) => {
    const bench = new Bench(t);
    const scale = 'autoscaling.knative.dev/';
    await bench.scaler.track(a, settings({}, { [`${scale}activation-scale`]: '3' }), 0);
    void bench.scaler.wake(a);
    assert.equal(bench.last(a), 3);
    await bench.scaler.track(b, settings({}, { [`${scale}activation-scale`]: '3', [`${scale}max-scale`]: '2' }), 0);
    void bench.scaler.wake(b);
    assert.equal(bench.last(b), 2);
    for (const [revision, id] of [
      [a, 'a1'],
      [b, 'b1'],
    ] as const)
      bench.ready(revision, id);
  });

  test('the initial scale of Knative holds until it was reached', async (t) => {
    const bench = new Bench(t);
    await bench.scaler.track(a, settings({}, { 'autoscaling.knative.dev/initial-scale': '3' }), 3);
    bench.ready(a, 'i1');
    for (let i = 0; i < 5; i += 1) bench.tick();
    assert.equal(bench.last(a), 3);
    bench.ready(a, 'i2');
    bench.ready(a, 'i3');
    bench.tick();
    assert.equal(bench.last(a), 1);
  });
});
