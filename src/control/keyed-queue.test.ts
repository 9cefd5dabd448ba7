import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyedQueue } from './keyed-queue.ts';

test('one key never runs twice at once, and what is added meanwhile runs once more', async () => {
  const gates = new Map<number, PromiseWithResolvers<void>>();
  let runs = 0;
  let running = 0;
  const queue = createKeyedQueue(async () => {
    running += 1;
    assert.equal(running, 1);
    const gate = Promise.withResolvers<void>();
    gates.set((runs += 1), gate);
    await gate.promise;
    running -= 1;
  }, 4);
  queue.add('a');
  queue.add('a');
  queue.add('a');
  assert.equal(runs, 1);
  gates.get(1)?.resolve();
  while (runs < 2) await Promise.resolve();
  gates.get(2)?.resolve();
  await queue.idle();
  assert.equal(runs, 2);
  await queue.close();
});

test('different keys run side by side up to the limit, in order of arrival', async () => {
  const started: string[] = [];
  const gate = Promise.withResolvers<void>();
  const queue = createKeyedQueue(async (key) => {
    started.push(key);
    await gate.promise;
  }, 2);
  for (const key of ['a', 'b', 'c']) queue.add(key);
  assert.deepEqual(started, ['a', 'b']);
  gate.resolve();
  await queue.idle();
  assert.deepEqual(started, ['a', 'b', 'c']);
  await queue.close();
});

test('of two appointments the earlier one holds, and closing cancels all', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let runs = 0;
  const queue = createKeyedQueue(async () => {
    runs += 1;
  }, 1);
  queue.addAfter('a', 100);
  queue.addAfter('a', 10);
  queue.addAfter('a', 1_000);
  t.mock.timers.tick(10);
  assert.equal(runs, 1);
  t.mock.timers.tick(5_000);
  assert.equal(runs, 1);
  queue.addAfter('a', 10);
  await queue.close();
  t.mock.timers.tick(100);
  queue.add('a');
  assert.equal(runs, 1);
});
