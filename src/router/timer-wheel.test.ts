import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { until } from '../../test/support/until.ts';
import { TimerEntry, TimerWheel } from './timer-wheel.ts';

class Entry extends TimerEntry {
  readonly #act: () => void;

  constructor(act: () => void) {
    super();
    this.#act = act;
  }

  override expired(): void {
    this.#act();
  }
}

test('entries expire once, not before their time and at most two ticks after it, whatever is removed or moved', () => {
  const planned = fc.record({
    delayMs: fc.nat(80_000),
    removed: fc.boolean(),
    moves: fc.array(fc.nat(80_000), { maxLength: 3 }),
  });
  const delays = fc.array(planned);
  fc.assert(
    fc.property(delays, (plans) => {
      let now = 1000;
      const wheel = new TimerWheel(() => now, 25);
      const fired = new Map<number, number[]>();
      const expected = new Map<number, number>();
      for (const [index, plan] of plans.entries()) {
        const entry = new Entry(() => fired.set(index, [...(fired.get(index) ?? []), now]));
        for (const delayMs of [plan.delayMs, ...plan.moves]) {
          wheel.add(entry, now + delayMs);
          expected.set(index, now + delayMs);
        }
        if (!plan.removed) continue;
        wheel.remove(entry);
        expected.delete(index);
      }
      for (; now < 90_000; now += 20) wheel.advance();
      wheel.close();
      assert.equal(wheel.size, 0);
      assert.deepEqual([...fired.keys()].sort(), [...expected.keys()].sort());
      for (const [index, due] of expected) {
        const times = fired.get(index) ?? [];
        assert.equal(times.length, 1);
        assert.ok((times[0] ?? 0) >= due && (times[0] ?? 0) <= due + 70, `due ${due}, fired ${times[0]}`);
      }
    }),
    { numRuns: 40 },
  );
});

test('after a long pause of the process everything due expires', () => {
  let now = 0;
  const wheel = new TimerWheel(() => now);
  let fired = 0;
  for (let due = 10; due < 40_000; due += 1000) wheel.add(new Entry(() => (fired += 1)), due);
  now = 100_000;
  wheel.advance();
  assert.equal(fired, 40);
  wheel.close();
});

test('an entry may add itself again, and may remove another that is due in the same moment', () => {
  let now = 0;
  const wheel = new TimerWheel(() => now);
  const log: string[] = [];
  const second: Entry = new Entry(() => log.push('second'));
  const first: Entry = new Entry(() => {
    log.push('first');
    wheel.remove(second);
    if (log.length === 1) wheel.add(first, now + 100);
  });
  wheel.add(second, 10);
  wheel.add(first, 10);
  for (now = 0; now < 500; now += 25) wheel.advance();
  assert.deepEqual(log, ['first', 'first']);
  wheel.close();
});

test('the interval runs by itself', async () => {
  const wheel = new TimerWheel(undefined, 5);
  let fired = false;
  wheel.add(new Entry(() => (fired = true)), performance.now() + 20);
  await until('the entry to expire', () => fired);
  wheel.close();
});
