import assert from 'node:assert/strict';
import { beforeEach, describe, type TestContext, test } from 'node:test';
import { ScalerBench as Bench, a, b, c, hasCode, napping, settings } from '../../test/support/scaler-bench.ts';
import { TinderboxError } from '../model/errors.ts';
import type { RevisionId } from '../model/names.ts';

describe('createScaler', () => {
  let bench: Bench;
  beforeEach((t) => {
    bench = new Bench(t as TestContext);
  });

  test('a deploy is proven with one instance, which sleeps after its idle time', async () => {
    await bench.scaler.track(a, napping, 1);
    assert.equal(bench.last(a), 1);
    bench.tick(60_000);
    assert.equal(bench.last(a), 1, 'it is not put to sleep before it was ever ready');
    bench.ready(a);
    bench.tick(4_000);
    assert.equal(bench.last(a), 1);
    bench.tick(1_000);
    assert.equal(bench.last(a), 0);
    assert.equal(bench.scaler.counts().get(a), 0);
  });

  test('all callers of a sleeping revision share one wake, settled by the first ready instance', async () => {
    await bench.scaler.track(a, napping, 0);
    const wakes = [bench.scaler.wake(a), bench.scaler.wake(a), bench.scaler.wake(a)];
    assert.deepEqual(bench.stated, [[a, 1]]);
    bench.ready(a);
    await Promise.all(wakes);
  });

  test('a wake rejects when the instance fails, and again at once while the engine backs off', async () => {
    await bench.scaler.track(a, napping, 0);
    const wake = bench.scaler.wake(a);
    bench.change(a, 'i1', 'starting');
    bench.change(a, 'i1', 'failed', 'the handler threw');
    await assert.rejects(wake, /ns\/a-00001 cannot start: the handler threw/);
    await assert.rejects(bench.scaler.wake(a), hasCode('cannot-start'));
    assert.equal(bench.scaler.obstacle(a), 'the handler threw');
    bench.change(a, 'i2', 'starting');
    const again = bench.scaler.wake(a);
    bench.change(a, 'i2', 'ready');
    await again;
    assert.equal(bench.scaler.obstacle(a), undefined);
  });

  test('a start that failed is no obstacle to one that sleeps, nor to one that has another copy', async () => {
    await bench.scaler.track(a, napping, 1);
    bench.ready(a);
    bench.change(a, 'i2', 'starting');
    bench.change(a, 'i2', 'failed', 'no port');
    assert.equal(bench.scaler.obstacle(a), undefined);
    bench.change(a, `${a}#1`, 'stopped');
    assert.equal(bench.scaler.obstacle(a), 'no port');
    await bench.scaler.setReplicas(a, 0);
    assert.equal(bench.scaler.obstacle(a), undefined);
  });

  test('nobody waits for an engine that backs off though the revision slept in between', async () => {
    await bench.scaler.track(a, napping, 0);
    bench.scaler.wake(a).catch(() => undefined);
    bench.change(a, 'i1', 'starting');
    bench.change(a, 'i1', 'failed', 'the handler threw');
    await bench.scaler.setReplicas(a, 0);
    const wake = bench.scaler.wake(a);
    bench.tick();
    await assert.rejects(wake, /the handler threw/);
  });

  test('a wake rejects when the engine refuses, and the next tick states the count again', async () => {
    await bench.scaler.track(a, napping, 0);
    bench.refuse = new TinderboxError('unavailable', 'the keeper is gone');
    await assert.rejects(bench.scaler.wake(a), /the keeper is gone/);
    bench.refuse = undefined;
    bench.tick();
    assert.equal(bench.last(a), 1);
  });

  test('a wake of an unknown or a refused revision says why', async () => {
    await assert.rejects(bench.scaler.wake(a), hasCode('cannot-start'));
    bench.scaler.refuse(a, new TinderboxError('cannot-start', 'its artifact is gone'));
    await assert.rejects(bench.scaler.wake(a), /its artifact is gone/);
    assert.equal(bench.scaler.obstacle(a), 'its artifact is gone');
    await bench.scaler.track(a, napping, 0);
    assert.equal(bench.scaler.obstacle(a), undefined);
    void bench.scaler.wake(a);
    assert.equal(bench.last(a), 1);
    bench.ready(a);
  });

  test('calls of an expected revision wait until it is tracked, refused or removed', async () => {
    bench.scaler.expect(a);
    const wake = bench.scaler.wake(a);
    await bench.scaler.track(a, napping, 1);
    bench.ready(a);
    await wake;
    bench.scaler.expect(b);
    const refused = bench.scaler.wake(b);
    bench.scaler.refuse(b, new TinderboxError('cannot-start', 'it cannot be'));
    await assert.rejects(refused, /it cannot be/);
    bench.scaler.expect(c);
    const removed = bench.scaler.wake(c);
    bench.scaler.untrack(c);
    await assert.rejects(removed, hasCode('cannot-start'));
  });

  test('removing a revision refuses the callers that wait for it', async () => {
    await bench.scaler.track(a, napping, 0);
    const wake = bench.scaler.wake(a);
    bench.scaler.untrack(a);
    await assert.rejects(wake, hasCode('cannot-start'));
    assert.equal(bench.scaler.counts().has(a), false);
  });

  test('calls that wait beyond what the ready ones take start more before the next tick', async () => {
    await bench.scaler.track(a, napping, 1);
    bench.ready(a);
    bench.load(a, 10, 15);
    await bench.scaler.wake(a);
    bench.tick(1);
    assert.equal(bench.last(a), 3);
  });

  test('calls that wait beside ready instances are seen between two ticks though nobody wakes', async () => {
    await bench.scaler.track(a, napping, 1);
    bench.ready(a);
    bench.load(a, 10, 15);
    bench.tick(150);
    assert.equal(bench.last(a), 3);
  });

  test('a crowd of quick calls grows a function to the cores, one that does not get on to what it needs', async () => {
    await bench.scaler.track(a, napping, 1);
    bench.ready(a);
    for (let second = 0; second < 5; second += 0.1) {
      bench.completed += 1_000;
      bench.load(a, 10, 90);
      bench.tick(100);
    }
    assert.equal(bench.last(a), 2);
    for (let second = 0; second < 1.5; second += 0.1) {
      bench.load(a, 10, 90);
      bench.tick(100);
    }
    assert.equal(bench.last(a), 10);
  });

  test('calls that are there a tenth of the time are a tenth of the load', async () => {
    await bench.scaler.track(a, settings({}, { 'autoscaling.knative.dev/target': '10' }), 1);
    bench.ready(a);
    for (let tenth = 0; tenth < 600; tenth += 1) {
      bench.load(a, tenth % 10 === 3 ? 10 : 0);
      bench.tick(100);
    }
    const load = bench.scaler.explain(a)?.decision?.load ?? 0;
    assert.ok(Math.abs(load - 1) < 0.15, `the mean of 10 for a tenth of the time is ${load}`);
  });

  test('load grows replicas at a tick and they shrink only after the hold window', async () => {
    await bench.scaler.track(
      a,
      settings({ type: 'capacity', target: '5', 'target-proportion': '1', zero: 'false', 'down.window': '30s' }),
      1,
    );
    bench.ready(a);
    bench.load(a, 20);
    bench.tick();
    assert.equal(bench.last(a), 4);
    bench.load(a, 1);
    // The highest load of 45 s, then the highest recommendation of 30 s.
    for (let i = 0; i < 70; i += 1) bench.tick();
    assert.equal(bench.last(a), 4);
    for (let i = 0; i < 10; i += 1) bench.tick();
    assert.equal(bench.last(a), 1);
  });

  test("Knative's scale-down delay holds the last instance as well, after the window", async () => {
    const annotations = { 'autoscaling.knative.dev/window': '10s', 'autoscaling.knative.dev/scale-down-delay': '1m' };
    await bench.scaler.track(a, settings({}, annotations), 1);
    bench.ready(a);
    for (let i = 0; i < 69; i += 1) bench.tick();
    assert.equal(bench.last(a), 1);
    bench.tick();
    assert.equal(bench.last(a), 0);
  });

  test('a count set by hand is clamped, holds for a while, and zero lasts until a call', async () => {
    await bench.scaler.track(a, settings({ min: '1', max: '4' }), 1);
    bench.ready(a);
    assert.equal(await bench.scaler.setReplicas(a, 9), 4);
    bench.tick();
    assert.equal(bench.last(a), 4);
    assert.equal(await bench.scaler.setReplicas(a, 0), 0);
    bench.change(a, `${a}#1`, 'stopped');
    bench.tick();
    bench.tick();
    assert.equal(bench.last(a), 0);
    void bench.scaler.wake(a);
    assert.equal(bench.last(a), 1);
    bench.ready(a, 'i2');
    await assert.rejects(bench.scaler.setReplicas(b, 1), hasCode('not-found'));
  });

  test('what ran, or was asked for, before a restart holds while the load is still unknown', async () => {
    bench.ready(a, 'old1');
    bench.ready(a, 'old2');
    await bench.scaler.track(a, settings({ zero: 'false' }), 4);
    for (let i = 0; i < 29; i += 1) bench.tick();
    assert.equal(bench.last(a), 4);
    for (let i = 0; i < 5; i += 1) bench.tick();
    assert.equal(bench.last(a), 1);
  });

  for (const [by, labels, annotations, heldMs] of [
    ['calls per second', { type: 'rps', target: '5' }, {}, 30_000],
    ['calls in flight', { type: 'capacity', target: '5' }, {}, 45_000],
    ['the windows of Knative', {}, { 'autoscaling.knative.dev/target': '5' }, 60_000],
  ] as const) {
    test(`a revision scaled by ${by} takes over with as many as ran before it, though it has no calls while it is proven`, async () => {
      await bench.scaler.track(a, settings({ ...labels, zero: 'false' }, annotations), 6);
      for (let i = 0; i < 6; i += 1) bench.ready(a, `i${i}`);
      for (let ms = 1_000; ms < heldMs; ms += 1_000) bench.tick();
      assert.equal(bench.last(a), 6);
      for (let i = 0; i < 3; i += 1) bench.tick();
      assert.ok((bench.last(a) ?? 6) <= 3);
    });
  }

  test('a count set by hand is not held up by what ran before', async () => {
    await bench.scaler.track(a, settings({ type: 'rps', zero: 'false' }), 6);
    bench.ready(a);
    await bench.scaler.setReplicas(a, 2);
    assert.equal(bench.last(a), 2);
    bench.tick();
    assert.equal(bench.last(a), 1);
  });

  test('adopted instances are stated to the engine as they are', async () => {
    bench.ready(a, 'old1');
    bench.ready(a, 'old2');
    await bench.scaler.track(a, napping, 2);
    assert.equal(bench.last(a), 2);
  });
});

describe('the host budget', () => {
  test('starts beyond the limit wait for a slot, in order, and nobody is refused', async (t) => {
    const bench = new Bench(t, { concurrentStarts: 1 });
    for (const revision of [a, b, c]) await bench.scaler.track(revision, napping, 0);
    const wakes = [a, b, c].map((revision) => bench.scaler.wake(revision));
    assert.deepEqual(bench.stated, [[a, 1]]);
    bench.ready(a);
    bench.change(b, 'b1', 'starting');
    bench.change(b, 'b1', 'failed', 'broken');
    assert.deepEqual(bench.stated, [
      [a, 1],
      [b, 1],
      [c, 1],
    ]);
    bench.ready(c);
    assert.deepEqual(
      (await Promise.allSettled(wakes)).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  test('an engine that shows no instance does not hold its slot for ever', async (t) => {
    const bench = new Bench(t, { concurrentStarts: 1 });
    await bench.scaler.track(a, napping, 1);
    await bench.scaler.track(b, napping, 1);
    assert.equal(bench.last(b), undefined);
    bench.tick();
    assert.equal(bench.last(b), 1);
  });

  test('on a full host the longest-idle function is cut for the one that is called', async (t) => {
    const bench = new Bench(t, { instances: 2 });
    await bench.scaler.track(a, napping, 1);
    bench.ready(a);
    bench.nowMs += 10;
    await bench.scaler.track(b, napping, 1);
    bench.ready(b);
    bench.nowMs += 10;
    await bench.scaler.track(c, napping, 0);
    const wake = bench.scaler.wake(c);
    assert.equal(bench.last(a), 0);
    assert.equal(bench.last(b), 1);
    bench.ready(c);
    await wake;
  });

  test('a full host where all are busy refuses at once with a time to retry', async (t) => {
    const bench = new Bench(t, { instances: 1 });
    await bench.scaler.track(a, napping, 1);
    bench.ready(a);
    bench.load(a, 1);
    await bench.scaler.track(b, napping, 0);
    await assert.rejects(bench.scaler.wake(b), (error) => {
      assert.ok(error instanceof TinderboxError);
      assert.equal(error.code, 'host-full');
      assert.equal(error.retryAfterMs, 1_000);
      assert.match(error.message, /1 of 1 instances/);
      return true;
    });
    await assert.rejects(bench.scaler.track(c, napping, 1), hasCode('host-full'));
    bench.loads.delete(a);
    bench.tick();
    assert.equal(bench.last(c), 1, 'a deploy that found no room is tried again');
    bench.ready(c);
  });

  test('a full host is not emptied for deploys that cannot start yet, and starts those first that are called', async (t) => {
    const bench = new Bench(t, { instances: 3, concurrentStarts: 1 });
    const idle: RevisionId[] = ['ns/i-00001', 'ns/j-00001', 'ns/k-00001'];
    for (const revision of idle) {
      await bench.scaler.track(revision, napping, 1);
      bench.ready(revision);
      bench.nowMs += 10;
    }
    await bench.scaler.track(a, napping, 1);
    await assert.rejects(bench.scaler.track(b, napping, 1), hasCode('host-full'));
    assert.deepEqual(
      idle.map((revision) => bench.last(revision)),
      [0, 1, 1],
      'one is cut for the one that starts',
    );
    await bench.scaler.track(c, napping, 0);
    const wake = bench.scaler.wake(c);
    bench.ready(a);
    assert.deepEqual([bench.last(b), bench.last(c)], [undefined, 1], 'the call goes before the deploy');
    bench.ready(c);
    await wake;
    assert.equal(bench.last(b), 1);
    bench.ready(b);
  });
});
