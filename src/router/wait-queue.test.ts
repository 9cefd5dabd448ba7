import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Place, WaitQueue } from './wait-queue.ts';

test('it is a list that can be left from anywhere, and whoever left keeps nobody', () => {
  const step = fc.oneof(fc.constantFrom('push' as const, 'front' as const, 'shift' as const), fc.nat(20));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new WaitQueue<number>();
      const model: number[] = [];
      const places = new Map<number, Place<number>>();
      for (const [value, what] of steps.entries()) {
        if (what === 'push') {
          places.set(value, queue.push(value));
          model.push(value);
        } else if (what === 'front') {
          places.set(value, queue.pushFront(value));
          model.unshift(value);
        } else if (what === 'shift') {
          assert.equal(queue.shift(), model.shift());
        } else {
          const place = places.get(what);
          if (place === undefined) continue;
          const at = model.indexOf(place.value);
          assert.equal(queue.remove(place), at >= 0);
          if (at >= 0) model.splice(at, 1);
        }
        assert.equal(queue.length, model.length);
        for (const place of places.values()) {
          if (!place.queued) assert.deepEqual([place.next, place.previous], [undefined, undefined]);
        }
      }
      assert.deepEqual(
        Array.from(model, () => queue.shift()),
        model,
      );
    }),
  );
});
