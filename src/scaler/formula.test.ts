import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { covers, differs } from '../../test/support/covers.ts';
import { resolveScaling } from '../model/resolve-scaling.ts';
import type { ScalingSettings } from '../model/scaling.ts';
import { decideCount, type ScaleObservation } from './decide.ts';
import { decideFormula, type PanicState } from './formula.ts';

/**
 * Every number below is computed by hand from the formula that stands above its table, never taken from the program.
 */

const scale = 'com.openfaas.scale.';
const knative = 'autoscaling.knative.dev/';

function openfaas(labels: Record<string, string>): ScalingSettings {
  return resolveScaling(Object.fromEntries(Object.entries(labels).map(([key, value]) => [scale + key, value])), {});
}

function kpa(annotations: Record<string, string>): ScalingSettings {
  return resolveScaling(
    {},
    Object.fromEntries(
      Object.entries({ class: 'kpa.autoscaling.knative.dev', ...annotations }).map(([key, value]) => [
        knative + key,
        value,
      ]),
    ),
  );
}

interface Seen {
  readonly load?: number | undefined;
  readonly panicLoad?: number;
  readonly panic?: PanicState;
  readonly ready?: number;
  readonly concurrency?: number;
  readonly nowMs?: number;
}

function formula(scaling: ScalingSettings, seen: Seen, current = 1): ReturnType<typeof decideFormula> {
  const { load, panicLoad, panic, ready = 1, concurrency = 100, nowMs = 0 } = seen;
  return decideFormula({ load, panicLoad, panic, ready, concurrency, nowMs }, scaling, current);
}

describe("OpenFaaS's autoscaler: ceil(ready × ((load / ready) / (target × proportion)))", () => {
  for (const [labels, load, ready, concurrency, expected, derivation] of [
    [{ type: 'capacity', target: '100', 'target-proportion': '0.7' }, 90, 1, 100, 2, 'its own example: 90/70 = 1.29'],
    [{ type: 'capacity', target: '100', 'target-proportion': '0.7' }, 70, 1, 100, 1, '70/70 = 1, exactly'],
    [{ type: 'capacity', target: '100', 'target-proportion': '0.7' }, 71, 1, 100, 2, '71/70 = 1.01'],
    [{ type: 'capacity', target: '100', 'target-proportion': '0.7' }, 700, 3, 100, 10, '3 × (233.3/70) = 10'],
    [{ type: 'capacity', target: '100', 'target-proportion': '1' }, 30, 1, 10, 3, 'an instance takes 10: 30/10'],
    [{ type: 'rps' }, 46, 1, 100, 2, '46/(50 × 0.9) = 1.02'],
    [{ type: 'rps' }, 45, 1, 100, 1, '45/45 = 1'],
    [{ type: 'rps' }, 900, 1, 1, 20, '900/45 = 20; the limit of an instance is no rate'],
    [{ type: 'rps', target: '10', 'target-proportion': '0.5' }, 26, 4, 100, 6, '26/5 = 5.2'],
    [{ type: 'cpu', target: '500', 'target-proportion': '0.9' }, 1_000, 2, 100, 3, '1000/450 = 2.2 millicores'],
    [{ type: 'queue', target: '10', 'target-proportion': '1' }, 101, 1, 100, 11, '101/10 = 10.1 messages'],
    [
      { type: 'memory', target: '3', 'target-proportion': '0.1' },
      0.9,
      1,
      100,
      3,
      '0.9/0.3 = 3, not 3.0000000000000004',
    ],
    [{ type: 'rps' }, 0, 1, 100, 0, 'no load'],
  ] as const) {
    test(`${JSON.stringify(labels)} with a load of ${load} makes ${expected}: ${derivation}`, () => {
      covers('label', 'com.openfaas.scale.target-proportion');
      differs(
        'label',
        'com.openfaas.scale.target',
        'as there once it, `scale.type` or `.target-proportion` is set; a function with none of them is scaled by calls in flight, and a call that waits starts an instance at once',
      );
      assert.equal(formula(openfaas(labels), { load, ready, concurrency }).count, expected);
    });
  }

  test('without a reading the count stays, and is said to', () => {
    assert.deepEqual(formula(openfaas({ type: 'cpu' }), { load: undefined }, 7), {
      count: 7,
      reason: 'no-reading',
      panic: undefined,
    });
  });
});

describe("Knative's pod autoscaler", () => {
  // target = total × utilization = 100 × 0.7 = 70; desired = ceil(average / 70), within [floor(ready/2), ready × 1000].
  for (const [load, ready, expected, derivation] of [
    [70, 1, 1, '70/70'],
    [71, 1, 2, '71/70 = 1.01'],
    [140.1, 2, 3, '140.1/70 = 2.001'],
    [10, 8, 4, 'ceil(10/70) = 1, but not below floor(8/2)'],
    [10, 3, 1, 'ceil(10/70) = 1, floor(3/2) = 1'],
    [0, 3, 1, '0, but not below floor(3/2)'],
    [0, 1, 0, '0, and floor(1/2) = 0'],
    [100_000, 0, 1_000, '1429, but not above 1 × 1000: none ready counts as one'],
  ] as const) {
    test(`a stable load of ${load} with ${ready} ready makes ${expected}: ${derivation}`, () => {
      // A panic load of nothing keeps the panic out of this table.
      assert.equal(formula(kpa({}), { load, panicLoad: 0, ready }).count, expected);
    });
  }

  test('a hard limit below the target is the target: min(100, 10) × 0.7 = 7, ceil(15/7) = 3', () => {
    assert.equal(formula(kpa({}), { load: 15, panicLoad: 0, concurrency: 10 }).count, 3);
  });

  test('requests per second: 200 × 0.7 = 140, ceil(300/140) = 3', () => {
    assert.equal(formula(kpa({ metric: 'rps' }), { load: 300, panicLoad: 0, concurrency: 10 }).count, 3);
  });

  test('utilization of 80 %: 10 × 0.8 = 8, ceil(25/8) = 4', () => {
    const scaling = kpa({ target: '10', 'target-utilization-percentage': '80' });
    assert.equal(formula(scaling, { load: 25, panicLoad: 0 }).count, 4);
  });

  test('the activation scale holds as soon as there is load, and not at none', () => {
    const scaling = kpa({ 'activation-scale': '5' });
    assert.equal(formula(scaling, { load: 1, panicLoad: 1 }).count, 5);
    assert.equal(formula(scaling, { load: 0, panicLoad: 0 }).count, 0);
    assert.equal(formula(scaling, { load: 500, panicLoad: 0 }).count, 8, 'ceil(500/70) = 8 is above it');
  });

  test('a panic begins at twice the ready ones, never shrinks, and ends a stable window after it last was', () => {
    // target 7 (10 × 0.7), stable window 60 s. Every row: time, stable load, panic load, ready → count, panic goes on.
    const scaling = kpa({ target: '10' });
    const rows: readonly (readonly [number, number, number, number, number, boolean, string])[] = [
      [0, 7, 7, 1, 1, false, 'ceil(7/7) = 1; 1/1 < 2'],
      [2_000, 7, 8, 1, 2, true, 'ceil(8/7) = 2; 2/1 ≥ 2'],
      [4_000, 9, 30, 2, 5, true, 'ceil(30/7) = 5; 5/2 ≥ 2'],
      [6_000, 10, 14, 5, 5, true, 'ceil(14/7) = 2; 2/5 < 2, but 5 was wanted'],
      [20_000, 5, 0, 5, 5, true, 'within 60 s after 4 s'],
      [64_000, 5, 0, 5, 5, true, '4 s + 60 s is not before 64 s'],
      [64_001, 5, 0, 5, 2, false, 'over: ceil(5/7) = 1, but not below floor(5/2) = 2'],
    ];
    let panic: PanicState | undefined;
    for (const [nowMs, load, panicLoad, ready, expected, goesOn, derivation] of rows) {
      const decided = formula(scaling, { nowMs, load, panicLoad, ready, ...(panic === undefined ? {} : { panic }) });
      assert.equal(decided.count, expected, derivation);
      assert.equal(decided.panic !== undefined, goesOn, derivation);
      panic = decided.panic;
    }
  });

  test('calls that wait start instances at once while the excess burst capacity is negative', () => {
    // EBC = floor(ready × total − burst capacity − panic load): the hard limit of 10 is the total.
    const seen = (ready: number): ScaleObservation => ({
      nowMs: 0,
      load: 0,
      panicLoad: 20,
      panic: undefined,
      inFlight: 20,
      waiting: 20,
      completedPerMs: 0,
      host: { cores: 2, idleShare: 1 },
      concurrency: 10,
      ready,
      idleMs: 0,
      starting: false,
      floor: 0,
      alerted: 0,
      heldAtZero: false,
      highestRecent: 0,
      before: 0,
    });
    const count = (burst: string, ready: number): number =>
      decideCount(seen(ready), kpa({ 'target-burst-capacity': burst, 'panic-threshold-percentage': '1000' }), 1).count;
    assert.equal(count('30', 4), 4, 'floor(40 − 30 − 20) = −10: 40 calls by 10 each');
    assert.equal(count('10', 4), 2, 'floor(40 − 10 − 20) = 10: the formula alone, floor(4/2)');
    assert.equal(count('-1', 4), 4, 'always');
    assert.equal(count('0', 4), 2, 'never while any is ready');
    assert.equal(count('0', 0), 4, 'but at zero');
  });
});
