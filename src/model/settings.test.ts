import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDurationMs } from './duration.ts';
import type { FunctionSpec } from './function.ts';
import { assertName, formatRevisionId, parseFunctionKey, parseRevisionId } from './names.ts';
import { parseCpu, parseMemory } from './quantity.ts';
import { resolveSettings } from './settings.ts';

function spec(parts: Partial<FunctionSpec>): FunctionSpec {
  return { namespace: 'openfaas-fn', name: 'x', image: 'x', secrets: [], labels: {}, annotations: {}, ...parts };
}

test('a spec without labels sleeps after a quarter of an hour and takes 100 calls at once', () => {
  const settings = resolveSettings(spec({}));
  const { min, max, zero, zeroAfterMs, factor, metric, target, origins } = settings.scaling;
  assert.deepEqual([min, max, zero, zeroAfterMs, factor], [0, 20, true, 900_000, 20]);
  assert.deepEqual([metric, target, origins], ['concurrency', 50, {}]);
  assert.deepEqual([settings.timeoutMs, settings.concurrency, settings.network], [60_000, 100, 'host']);
});

test('what is bound to the cores takes one call at once, unless it says how many', () => {
  const annotations = { 'com.tinderbox.cpu-bound': 'true' };
  assert.equal(resolveSettings(spec({ annotations })).concurrency, 1);
  assert.equal(resolveSettings(spec({ annotations, envVars: { max_inflight: '4' } })).concurrency, 4);
  assert.throws(() => resolveSettings(spec({ annotations: { 'com.tinderbox.cpu-bound': 'yes' } })), {
    code: 'invalid',
    message: /annotation com\.tinderbox\.cpu-bound "yes" is neither true nor false/,
  });
});

test('scale.min or scale.zero=false keep an instance awake', () => {
  assert.deepEqual(resolveSettings(spec({ labels: { 'com.openfaas.scale.min': '2' } })).scaling.min, 2);
  assert.equal(resolveSettings(spec({ labels: { 'com.openfaas.scale.min': '2' } })).scaling.zero, false);
  assert.equal(resolveSettings(spec({ labels: { 'com.openfaas.scale.zero': 'false' } })).scaling.min, 1);
});

for (const [parts, message] of [
  [
    { labels: { 'com.openfaas.scale.min': '-1' } },
    /com\.openfaas\.scale\.min "-1" is not a whole number from 0 to 1000/,
  ],
  [
    { labels: { 'com.openfaas.scale.min': '5', 'com.openfaas.scale.max': '2' } },
    /"5" is above label com\.openfaas\.scale\.max "2"/,
  ],
  [{ labels: { 'com.openfaas.scale.zero': 'yes' } }, /scale\.zero "yes" is neither true nor false/],
  [{ limits: { memory: '1Mi' } }, /limits\.memory "1Mi" is below the minimum of 16Mi/],
  [{ limits: { memory: 'lots' } }, /limits\.memory "lots" is not a quantity/],
  [{ limits: { cpu: '1m' } }, /limits\.cpu "1m" is below the minimum of 10m/],
  [{ limits: { cpu: '1025' } }, /limits\.cpu "1025" is above the maximum of 1024/],
  [{ envVars: { exec_timeout: '5 parsecs' } }, /exec_timeout "5 parsecs" is not a duration/],
  [{ annotations: { 'com.tinderbox.network': 'lan' } }, /com\.tinderbox\.network "lan" is not one of host, none/],
] as const) {
  test(`${JSON.stringify(parts)} is refused with field, value and limit`, () => {
    assert.throws(() => resolveSettings(spec(parts)), { code: 'invalid', message });
  });
}

test('quantities and durations are read as Kubernetes and Go write them', () => {
  assert.deepEqual(
    [parseMemory('128Mi'), parseMemory('1G'), parseMemory('64m'), parseMemory('1.5Gi')],
    [2 ** 27, 1e9, 64e6, 1.5 * 2 ** 30],
  );
  assert.deepEqual([parseCpu('100m'), parseCpu('0.5'), parseCpu('2')], [100, 500, 2000]);
  assert.deepEqual(
    [parseDurationMs('30'), parseDurationMs('1m30s'), parseDurationMs('250ms'), parseDurationMs('1.5h')],
    [30_000, 90_000, 250, 5_400_000],
  );
});

test('names are DNS labels, keys split on the last dot, revision ids round-trip', () => {
  for (const bad of ['', 'A', '-a', 'a-', 'a.b', 'a_b', 'a'.repeat(64)]) {
    assert.throws(() => assertName('function', bad), { code: 'invalid' });
  }
  assert.deepEqual(parseFunctionKey('a.b.c'), { name: 'a.b', namespace: 'c' });
  assert.deepEqual(parseFunctionKey('a'), { name: 'a', namespace: 'openfaas-fn' });
  assert.deepEqual(parseRevisionId(formatRevisionId('ns', 'a-b', 7)), { namespace: 'ns', name: 'a-b', number: 7 });
  assert.throws(() => parseRevisionId('nonsense'), { code: 'invalid' });
});
