import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { TinderboxError } from '../model/errors.ts';
import { testJob } from './conformance.ts';
import { createDispatcher, type DispatcherOptions, type RunResult } from './dispatcher.ts';
import type { LeasedJob } from './job.ts';
import type { Settlement } from './queue.ts';

const shared =
  (most = 512): DispatcherOptions['turnsOf'] =>
  () => ({ name: 'default', most });
const done: RunResult = { settlement: { outcome: 'done', next: [] }, refused: false };

/** A queue in memory whose disk can be full. */
function scriptedQueue(lanes: Record<string, number>) {
  const waiting = new Map(
    Object.entries(lanes).map(([lane, count]) => [
      lane,
      Array.from({ length: count }, (_, i): LeasedJob => ({ ...testJob(`${lane}-${i}`, { lane }), attempt: 1 })),
    ]),
  );
  const settled: string[] = [];
  const full = { times: 0 };
  const queue: DispatcherOptions['queue'] = {
    lease: (lane, most) => Promise.resolve(waiting.get(lane)?.splice(0, most) ?? []),
    settle: (job: LeasedJob, _settlement: Settlement) => {
      full.times -= 1;
      if (full.times >= 0) return Promise.reject(new TinderboxError('disk-full', 'the disk is full'));
      settled.push(job.id);
      return Promise.resolve(true);
    },
    cancel: () => Promise.resolve(true),
    watch: (listener) => {
      for (const lane of waiting.keys()) listener(lane);
      return () => undefined;
    },
  };
  return { queue, settled, full };
}

test('every job of every lane is run and settled once', async () => {
  const { queue, settled } = scriptedQueue({ a: 300, b: 5 });
  const dispatcher = createDispatcher({ queue, turnsOf: shared(), run: () => Promise.resolve(done) });
  await until('all to be settled', () => settled.length === 305);
  assert.equal(new Set(settled).size, 305);
  await dispatcher.close(new AbortController().signal);
});

test('a lane with a crowd does not hold up another, and the bound of all holds', async () => {
  const { queue } = scriptedQueue({ crowd: 1000, small: 3, other: 2 });
  const running = new Map<string, () => void>();
  let highest = 0;
  const dispatcher = createDispatcher({
    queue,
    turnsOf: shared(20),
    run: (job) =>
      new Promise((resolve) => {
        running.set(job.id, () => {
          running.delete(job.id);
          resolve(done);
        });
        highest = Math.max(highest, running.size);
      }),
  });
  await until('all room to be taken', () => running.size === 20);
  // The first turn gave the crowd its limit and the rest to the next; as the crowd's end, the others get their turn.
  for (let i = 0; i < 20 && !running.has('other-1'); i += 1) {
    const crowd = [...running].find(([id]) => id.startsWith('crowd'));
    crowd?.[1]();
    await until('the room to be taken again', () => running.size === 20);
  }
  assert.ok(running.has('other-1') || running.has('other-0'));
  assert.equal(highest, 20);
  const closing = dispatcher.close(new AbortController().signal);
  for (const finish of running.values()) finish();
  await closing;
});

test('queues do not wait for each other, and a function that moves to another one takes its turns there', async () => {
  const { queue } = scriptedQueue({ 'slow.a': 10, 'slow.b': 10, other: 10 });
  const finish = new Map<string, () => void>();
  let slow = { name: 'slow', most: 3 };
  const dispatcher = createDispatcher({
    queue,
    turnsOf: (lane) => (lane.startsWith('slow') ? slow : { name: 'default', most: 512 }),
    run: (job) => new Promise((resolve) => finish.set(job.id, () => resolve(done))),
  });
  const running = (): number[] => ['slow.a', 'slow.b', 'other'].map((lane) => dispatcher.running().get(lane) ?? 0);
  await until('the free queue to run all, the slow one three', () => running().join() === '3,0,10');
  slow = { name: 'fast', most: 100 };
  finish.get('slow.a-0')?.();
  await until('all that the other queue has room for', () => running().join() === '9,10,10');
  const closing = dispatcher.close(new AbortController().signal);
  for (const end of finish.values()) end();
  await closing;
  assert.deepEqual(running(), [0, 0, 0]);
});

test('a function that refuses gets fewer at once', async () => {
  const { queue, settled } = scriptedQueue({ a: 200 });
  let running = 0;
  let refusals = 0;
  const seen: number[] = [];
  const dispatcher = createDispatcher({
    queue,
    turnsOf: shared(),
    run: async () => {
      running += 1;
      seen.push(running);
      const refused = running > 4;
      if (refused) refusals += 1;
      await new Promise(setImmediate);
      running -= 1;
      return { ...done, refused };
    },
  });
  await until('all to be settled', () => settled.length === 200);
  assert.ok(Math.max(...seen.slice(100)) <= 8, `at most 8 at once after a while, not ${Math.max(...seen.slice(100))}`);
  assert.ok(refusals < 100);
  await dispatcher.close(new AbortController().signal);
});

test('a settlement the disk refused is tried again until it is taken', async () => {
  const { queue, settled, full } = scriptedQueue({ a: 1 });
  full.times = 3;
  const dispatcher = createDispatcher({ queue, turnsOf: shared(), run: () => Promise.resolve(done), settleAgainMs: 2 });
  await until('the job to be settled', () => settled.length === 1);
  await dispatcher.close(new AbortController().signal);
});

test('a job that is handed out after the stop is not begun', async () => {
  const { queue } = scriptedQueue({ a: 1 });
  const leased = Promise.withResolvers<readonly LeasedJob[]>();
  const begun: string[] = [];
  const dispatcher = createDispatcher({
    queue: { ...queue, lease: () => leased.promise },
    turnsOf: shared(),
    run: (job) => {
      begun.push(job.id);
      return new Promise(() => undefined);
    },
  });
  const closed = dispatcher.close(AbortSignal.abort());
  leased.resolve([{ ...testJob('late'), attempt: 1 }]);
  await closed;
  assert.deepEqual(begun, []);
});

test('closing waits for what runs, and what it cuts off is left to the next start', async () => {
  const first = scriptedQueue({ a: 1 });
  const finish = Promise.withResolvers<RunResult>();
  const slow = createDispatcher({ queue: first.queue, turnsOf: shared(), run: () => finish.promise });
  await until('the job to run', () => slow.running().get('a') === 1);
  const closing = slow.close(new AbortController().signal);
  finish.resolve(done);
  await closing;
  assert.deepEqual(first.settled, ['a-0']);

  const second = scriptedQueue({ a: 1 });
  const endless = createDispatcher({
    queue: second.queue,
    turnsOf: shared(),
    run: (_job, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(done));
      }),
  });
  await until('the job to run', () => endless.running().get('a') === 1);
  await endless.close(AbortSignal.abort());
  assert.deepEqual(second.settled, []);
});
