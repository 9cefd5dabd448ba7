import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultRetrySettings, resolveRetrySettings } from './retry-settings.ts';

test('what is not given is as OpenFaaS has it, and the longest wait is no shorter than the least', () => {
  assert.deepEqual(resolveRetrySettings({}), defaultRetrySettings);
  const { minWaitMs, maxWaitMs } = resolveRetrySettings({ 'com.openfaas.retry.min_wait': '5m' });
  assert.deepEqual([minWaitMs, maxWaitMs], [300_000, 300_000]);
});

test('waits are whole milliseconds, as the queue keeps them', () => {
  const annotations = { 'com.openfaas.retry.min_wait': '1.5ms', 'com.tinderbox.retry.max-age': '1.0004s' };
  const { minWaitMs, maxAgeMs } = resolveRetrySettings(annotations);
  assert.deepEqual([minWaitMs, maxAgeMs], [2, 1000]);
});

test('what cannot be followed is refused by its annotation', () => {
  const refused: [Record<string, string>, RegExp][] = [
    [{ 'com.openfaas.retry.attempts': '0' }, /retry\.attempts "0" is not a whole number from 1 to 1000/],
    [{ 'com.openfaas.retry.codes': '99' }, /retry\.codes "99" is not a list of statuses/],
    [{ 'com.openfaas.retry.min_wait': '0.1ms' }, /retry\.min_wait "0\.1ms" is not a duration from 1ms/],
    [{ 'com.tinderbox.retry.max-age': '721h' }, /max-age "721h" is not a duration from 1ms to 720h/],
  ];
  for (const [annotations, message] of refused) {
    assert.throws(() => resolveRetrySettings(annotations), { code: 'invalid', message });
  }
});
