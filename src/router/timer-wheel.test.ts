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

test('entries expire once, not before their time and at most two ticks after it, however they are moved or removed', () => {
  const change = fc.record({ atMs: fc.nat(80_000), delayMs: fc.option(fc.nat(40_000), { nil: undefined }) });
  const planned = fc.record({ delayMs: fc.nat(80_000), changes: fc.array(change, { maxLength: 4 }) });
  fc.assert(
    fc.property(fc.array(planned), (plans) => {
      let now = 1000;
      const wheel = new TimerWheel(() => now, 25);
      const due = new Map<Entry, number>();
      const steps = plans.flatMap(({ delayMs, changes }) => {
        const entry: Entry = new Entry(() => {
          const dueMs = due.get(entry) ?? Number.NaN;
          assert.ok(now >= dueMs && now <= dueMs + 70, `due ${dueMs}, fired ${now}`);
          due.delete(entry);
        });
        return [{ atMs: 0, delayMs }, ...changes].map((step) => ({ ...step, entry }));
      });
      steps.sort((one, other) => one.atMs - other.atMs);
      for (; now < 130_000; now += 20) {
        for (let step = steps[0]; step !== undefined && step.atMs <= now; step = steps[0]) {
          steps.shift();
          if (step.delayMs === undefined) {
            wheel.remove(step.entry);
            due.delete(step.entry);
          } else {
            wheel.add(step.entry, now + step.delayMs);
            due.set(step.entry, now + step.delayMs);
          }
          assert.equal(wheel.size, due.size);
        }
        wheel.advance();
      }
      wheel.close();
      assert.equal(due.size, 0);
      assert.equal(wheel.size, 0);
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
