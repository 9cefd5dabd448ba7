import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as holds, integer, nat, property, record } from 'fast-check';
import { type Due, DueHeap } from './due-heap.ts';

test('whatever is added and changed, what is due comes out in order and once', () => {
  const step = record({ add: integer({ min: 0, max: 99 }), move: nat(20), drop: nat(30) });
  holds(
    property(array(step, { maxLength: 60 }), (steps) => {
      const heap = new DueHeap<Due>();
      const all: Due[] = [];
      for (const { add, move, drop } of steps) {
        const made = { dueMs: add };
        all.push(made);
        heap.add(made);
        const moved = all[move];
        if (moved !== undefined) {
          moved.dueMs = add + 7;
          heap.add(moved);
        }
        const dropped = all[drop];
        if (dropped !== undefined) dropped.dueMs = undefined;
        heap.trim(all.length);
      }
      const wanted = all.flatMap(({ dueMs }) => dueMs ?? []).sort((a, b) => a - b);
      const taken: number[] = [];
      for (let next = heap.take(1000); next !== undefined; next = heap.take(1000)) {
        taken.push(next.dueMs ?? Number.NaN);
        next.dueMs = undefined;
      }
      assert.deepEqual(taken, wanted);
      assert.equal(heap.nextMs(), undefined);
    }),
  );
});

test('what is outdated a thousand times leaves nothing behind', () => {
  const heap = new DueHeap<Due>();
  const value: Due = { dueMs: 1 };
  for (let time = 0; time < 1000; time += 1) {
    value.dueMs = 5000 - time;
    heap.add(value);
    heap.trim(1);
  }
  assert.equal(heap.nextMs(), 4001);
  assert.equal(heap.take(4000), undefined);
  assert.equal(heap.take(4001), value);
});
