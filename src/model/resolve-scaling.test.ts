import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { covers } from '../../test/support/covers.ts';
import { listEffectiveSettings } from './list-effective-settings.ts';
import { resolveScaling } from './resolve-scaling.ts';
import { withDefaults } from './scaling.ts';

const scale = 'com.openfaas.scale.';
const knative = 'autoscaling.knative.dev/';

describe('resolveScaling', () => {
  test('each type of OpenFaaS has the meter and the window of its published rule', () => {
    covers('label', 'com.openfaas.scale.type', 'com.openfaas.scale.down.window');
    const rows = (['rps', 'capacity', 'cpu', 'queue', 'memory'] as const).map((type) => {
      const { metric, aggregate, loadWindowMs, target, utilization, holdMs } = resolveScaling(
        { [`${scale}type`]: type },
        {},
      );
      return [type, metric, aggregate, loadWindowMs, target, utilization, holdMs];
    });
    assert.deepEqual(rows, [
      ['rps', 'rps', 'mean', 30_000, 50, 0.9, 0],
      ['capacity', 'concurrency', 'max', 45_000, 50, 0.9, 0],
      ['cpu', 'cpu', 'latest', 0, 50, 0.9, 0],
      ['queue', 'queue', 'latest', 0, 50, 0.9, 0],
      ['memory', 'custom', 'latest', 0, 50, 0.9, 0],
    ]);
    assert.equal(resolveScaling({ [`${scale}target`]: '10' }, {}).metric, 'rps');
    assert.equal(resolveScaling({ [`${scale}down.window`]: '2m' }, {}).holdMs, 120_000);
  });

  test('a type of its own asks for the recording rule of its name, or what the annotation says', () => {
    const labels = { [`${scale}type`]: 'memory' };
    assert.equal(
      resolveScaling(labels, {}).query,
      'sum(job:function_current_load:sum{function_name="$function_name",scaling_type="memory"})',
    );
    assert.equal(resolveScaling(labels, { 'com.tinderbox.scale.query': 'up' }).query, 'up');
  });

  test("one of Knative's annotations brings the defaults of its config-autoscaler", () => {
    const own = resolveScaling({}, { [`${knative}class`]: 'kpa.autoscaling.knative.dev' });
    assert.deepEqual([own.min, own.max, own.zero, own.zeroAfterMs, own.holdMs], [0, 1000, true, 60_000, 0]);
    assert.deepEqual([own.metric, own.target, own.utilization, own.loadWindowMs], ['concurrency', 100, 0.7, 60_000]);
    assert.deepEqual(own.panic, { windowMs: 6_000, threshold: 2, maxUpRate: 1_000, maxDownRate: 2 });
    assert.deepEqual([own.burstCapacity, own.activation, own.initial], [211, 1, undefined]);
    assert.equal(resolveScaling({}, { [`${knative}metric`]: 'rps' }).target, 200);
  });

  test("all of Knative's annotations, dashed or in camel case, have their effect", () => {
    const own = resolveScaling(
      {},
      {
        [`${knative}minScale`]: '2',
        [`${knative}max-scale`]: '0',
        [`${knative}initialScale`]: '4',
        [`${knative}activation-scale`]: '3',
        [`${knative}target`]: '0.5',
        [`${knative}target-utilization-percentage`]: '80',
        [`${knative}target-burst-capacity`]: '-1',
        [`${knative}window`]: '40s',
        [`${knative}panic-window-percentage`]: '25',
        [`${knative}panic-threshold-percentage`]: '150',
        [`${knative}scale-down-delay`]: '2m',
        [`${knative}scale-to-zero-pod-retention-period`]: '1m5s',
      },
    );
    assert.deepEqual([own.min, own.max, own.zero, own.initial, own.activation], [2, 1000, false, 4, 3]);
    assert.deepEqual([own.target, own.utilization, own.burstCapacity], [0.5, 0.8, -1]);
    assert.deepEqual([own.loadWindowMs, own.holdMs, own.zeroAfterMs], [40_000, 120_000, 225_000]);
    assert.deepEqual([own.panic?.windowMs, own.panic?.threshold], [10_000, 1.5]);
  });

  test("when it sleeps by Knative's window and delays is not for the platform to say", () => {
    for (const [name, own] of [
      ['window', 10_000],
      ['scale-down-delay', 70_000],
      ['scale-to-zero-pod-retention-period', 70_000],
    ] as const) {
      const said = resolveScaling({}, { [`${knative}${name}`]: '10s' });
      assert.deepEqual(
        [withDefaults(said, { zeroAfterMs: 900_000 }).zeroAfterMs, said.origins.zeroAfterMs],
        [own, `annotation ${knative}${name}`],
      );
    }
    const silent = resolveScaling({}, { [`${knative}target`]: '10' });
    assert.equal(withDefaults(silent, { zeroAfterMs: 900_000 }).zeroAfterMs, 900_000);
  });

  test('every setting says where it comes from, and a label is stronger than the platform', () => {
    const labels = { [`${scale}max`]: '7', [`${scale}type`]: 'cpu' };
    const own = withDefaults(resolveScaling(labels, {}), { zeroAfterMs: 5_000, dryRun: true });
    const rows = new Map(listEffectiveSettings(own).map(({ name, value, source }) => [name, [value, source]]));
    assert.deepEqual(rows.get('maximum'), ['7', `label ${scale}max`]);
    assert.deepEqual(rows.get('metric'), ['cpu', `label ${scale}type`]);
    assert.deepEqual(rows.get('target'), ['50 thousandths of a core per instance', 'default']);
    assert.deepEqual(rows.get('sleeps after'), ['5s', 'platform configuration']);
    assert.deepEqual(rows.get('dry run'), ['yes', 'platform configuration']);
    const stubborn = resolveScaling({ [`${scale}zero-duration`]: '1h' }, {});
    assert.equal(withDefaults(stubborn, { zeroAfterMs: 5_000 }).zeroAfterMs, 3_600_000);
  });

  const refused: readonly (readonly [labels: Record<string, string>, annotations: Record<string, string>, RegExp])[] = [
    [
      { [`${scale}type`]: 'a b' },
      {},
      /label com\.openfaas\.scale\.type "a b" is neither rps, capacity, cpu, queue nor/,
    ],
    [{ [`${scale}target`]: '0' }, {}, /scale\.target "0" is not a number from 0\.01 to 1000000/],
    [{ [`${scale}target-proportion`]: '1.1' }, {}, /target-proportion "1\.1" is not a number from 0\.01 to 1$/],
    [{ [`${scale}down.window`]: '6m' }, {}, /down\.window "6m" is not between 1ms and 300000ms/],
    [{ [`${scale}factor`]: '101' }, {}, /factor "101" is not a whole number from 0 to 100/],
    [{ 'com.tinderbox.scale.dry-run': 'on' }, {}, /dry-run "on" is neither true nor false/],
    [{}, { 'com.tinderbox.scale.query': 'up' }, /scale\.query needs a label com\.openfaas\.scale\.type other than/],
    [{ [`${scale}type`]: 'cpu' }, { 'com.tinderbox.scale.query': 'up' }, /query needs a label/],
    [{ [`${scale}type`]: 'm' }, { 'com.tinderbox.scale.query': ' ' }, /query is empty/],
    [{ [`${scale}type`]: 'm' }, { 'com.tinderbox.scale.query': 'x'.repeat(4097) }, /has 4097 bytes, the limit is 4096/],
    [
      { [`${scale}min`]: '1' },
      { [`${knative}min-scale`]: '1' },
      /label .*scale\.min and annotation .*min-scale say the/,
    ],
    [{}, { [`${knative}min-scale`]: '1', [`${knative}minScale`]: '1' }, /say the same/],
    [{ [`${scale}target`]: '1' }, { [`${knative}window`]: '60s' }, /scale\.target does not go with annotations auto/],
    [{}, { [`${knative}window`]: '5s' }, /window "5s" is not between 6000ms and 3600000ms/],
    [{}, { [`${knative}window`]: '6500ms' }, /window "6500ms" is not a number of whole seconds from 6 to 3600/],
    [{}, { [`${knative}metric`]: 'cpu' }, /metric "cpu" is not one of concurrency, rps/],
    [{}, { [`${knative}class`]: 'hpa.autoscaling.knative.dev' }, /class "hpa.*" is not one of kpa\./],
    [{}, { [`${knative}metric-aggregation-algorithm`]: 'weighted-exponential' }, /is not one of linear/],
    [{}, { [`${knative}activation-scale`]: '1' }, /activation-scale "1" is not a whole number from 2 to 1000/],
    [{}, { [`${knative}target-utilization-percentage`]: '0' }, /percentage "0" is not a number from 1 to 100/],
    [{}, { [`${knative}panic-threshold-percentage`]: '100' }, /"100" is not a number from 110 to 1000/],
    [
      {},
      { [`${knative}min-scale`]: '3', [`${knative}max-scale`]: '2' },
      /min-scale "3" is above annotation .*max-scale "2"/,
    ],
    [{}, { [`${knative}scale-down-delay`]: '61m' }, /scale-down-delay "61m" is not between/],
  ];
  for (const [labels, annotations, message] of refused) {
    test(`${JSON.stringify({ ...labels, ...annotations }).slice(0, 90)} is refused with name, value and limit`, () => {
      assert.throws(() => resolveScaling(labels, annotations), { code: 'invalid', message });
    });
  }
});
