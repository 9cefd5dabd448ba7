import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { adaptScaling, createIdleHistogram } from '../bench/simulate/idle-histogram.ts';
import { policies } from '../bench/simulate/policies.ts';
import { type FunctionOutcome, simulateFunction } from '../bench/simulate/simulate-function.ts';
import { formatRows, summarize } from '../bench/simulate/summary.ts';
import { createTraces, type FunctionTrace } from '../bench/simulate/traces.ts';
import { resolveScaling } from '../src/model/resolve-scaling.ts';

const minute = 60_000;
const startMs = 250;

function named(all: readonly FunctionOutcome[], name: string): FunctionOutcome {
  const found = all[policies.findIndex((policy) => policy.name.startsWith(name))];
  assert.ok(found !== undefined);
  return found;
}

function runAll(trace: FunctionTrace, lengthMs: number): readonly FunctionOutcome[] {
  return policies.map((policy) => simulateFunction(trace, policy, { startMs, lengthMs }));
}

/** Calls of 100 ms. */
function callsAt(arrivals: readonly number[]): FunctionTrace {
  return { arrivals, durations: arrivals.map(() => 100) };
}

describe('simulateFunction', () => {
  test('every call of a trace gets its slot, and the same seed gives the same figures', () => {
    const table = (): string =>
      createTraces({ seed: 7, functions: 40, scale: 0.005 })
        .map((trace) => {
          const outcomes = [...trace.functions].map((each) => [each, runAll(each, trace.lengthMs)] as const);
          for (const [each, results] of outcomes) {
            for (const { calls, waitsMs, cold } of results) {
              assert.equal(calls, each.arrivals.length);
              assert.ok(waitsMs.every((wait) => wait >= 0));
              assert.ok(cold <= calls);
            }
          }
          return formatRows(
            policies.map(({ name }, at) =>
              summarize(
                name,
                outcomes.map(([, all]) => all[at] as FunctionOutcome),
              ),
            ),
          );
        })
        .join('\n');
    assert.equal(table(), table());
  });

  test('one call is cold, waits for the start, and costs its keep-alive', () => {
    const all = runAll(callsAt([1_000]), 60 * minute);
    // Awake from the call to the first tick of 2 s that is the keep-alive after its end.
    for (const [name, minutes] of [
      ['keep-alive 10m', 10],
      ['keep-alive 15m', 15],
      ['keep-alive 20m', 20],
      ["Knative's", 1],
    ] as const) {
      const { calls, cold, waitsMs, instanceMs } = named(all, name);
      assert.deepEqual([calls, cold, waitsMs], [1, 1, [250]]);
      const spentMs = instanceMs - minutes * minute;
      assert.ok(spentMs >= 0 && spentMs <= 4_000, `${name}: ${spentMs} ms beyond the keep-alive`);
    }
  });

  test('calls twelve minutes apart are cold where ten are kept, and warm where fifteen are', () => {
    const arrivals = Array.from({ length: 20 }, (_, at) => at * 12 * minute);
    const all = runAll(callsAt(arrivals), 300 * minute);
    assert.deepEqual([named(all, 'keep-alive 10m').cold, named(all, 'keep-alive 15m').cold], [20, 1]);
  });

  test('the adaptive policy learns a regular gap, and then is warm for less', () => {
    const arrivals = Array.from({ length: 60 }, (_, at) => at * 20 * minute);
    const all = runAll(callsAt(arrivals), 1_200 * minute);
    const [quarter, adaptive] = [named(all, 'keep-alive 15m'), named(all, 'adaptive, else 15m')];
    assert.equal(quarter.cold, 60);
    assert.ok(adaptive.cold <= 12, `${adaptive.cold} cold`);
    assert.ok(adaptive.instanceMs < quarter.instanceMs);
  });
});

describe('createIdleHistogram', () => {
  test('wakes a tenth before the 5th percentile and sleeps a tenth after the 99th', () => {
    const histogram = createIdleHistogram(15 * minute);
    for (let each = 0; each < 100; each += 1) histogram.note((20 + (each % 2)) * minute);
    // The head is the bin of minute 20, the tail ends with that of minute 21.
    const plan = histogram.plan();
    assert.equal(plan.prewarmAfterMs, 18 * minute);
    assert.ok(Math.abs(plan.keepAliveMs - (22 * 1.1 - 18) * minute) < 1);
  });

  test('says the fallback while it knows too little, or its times are all over the range or beyond it', () => {
    const fallback = { prewarmAfterMs: 0, keepAliveMs: 15 * minute };
    const few = createIdleHistogram(15 * minute);
    for (let each = 0; each < 9; each += 1) few.note(20 * minute);
    assert.deepEqual(few.plan(), fallback);
    const wide = createIdleHistogram(15 * minute);
    for (let each = 0; each < 240; each += 1) wide.note(each * minute);
    assert.deepEqual(wide.plan(), fallback);
    const beyond = createIdleHistogram(15 * minute);
    for (let each = 0; each < 30; each += 1) beyond.note((each % 3 === 0 ? 20 : 400) * minute);
    assert.deepEqual(beyond.plan(), fallback);
  });

  test('its plan is asleep, then awake, then asleep, and never for what must not sleep', () => {
    const own = resolveScaling({}, {});
    const plan = { prewarmAfterMs: 10, keepAliveMs: 5 };
    const awake = [0, 9, 10, 14, 15].map((since) => adaptScaling(own, plan, since).min > 0);
    assert.deepEqual(awake, [false, false, true, true, false]);
    const sleepless = resolveScaling({ 'com.openfaas.scale.min': '2' }, {});
    assert.equal(adaptScaling(sleepless, plan, 0), sleepless);
  });
});
