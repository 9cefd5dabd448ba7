import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startIdleCollector } from './idle-collector.ts';

const mib = 2 ** 20;

function world(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const state = { completed: 0, underWay: 0, heapBytes: 30 * mib, collections: 0 };
  const stop = startIdleCollector({
    calls: () => state,
    heapBytes: () => state.heapBytes,
    collect: () => {
      state.collections += 1;
      state.heapBytes = 35 * mib;
    },
    intervalMs: 5000,
  });
  t.after(stop);
  return { state, look: (times = 1) => t.mock.timers.tick(5000 * times) };
}

test('what a load left is collected once nobody has called for two looks, and not again', (t) => {
  const { state, look } = world(t);
  state.completed = 5000;
  state.heapBytes = 90 * mib;
  look(2);
  assert.equal(state.collections, 0);
  look();
  assert.equal(state.collections, 1);
  look(10);
  assert.equal(state.collections, 1);
});

test('nothing is collected while calls are under way or come now and then', (t) => {
  const { state, look } = world(t);
  state.heapBytes = 90 * mib;
  state.underWay = 1;
  look(5);
  state.underWay = 0;
  for (let i = 0; i < 5; i += 1) {
    state.completed += 1;
    look(2);
  }
  assert.equal(state.collections, 0);
});

test('a heap that hardly grew is not worth a pause', (t) => {
  const { state, look } = world(t);
  state.completed = 5000;
  state.heapBytes = 40 * mib;
  look(10);
  assert.equal(state.collections, 0);
});
