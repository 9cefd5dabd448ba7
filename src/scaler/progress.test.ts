import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgress } from './progress.ts';

test('nothing is known before anything was noted, and after a while without notes', () => {
  const progress = createProgress();
  assert.equal(progress.perMs(0), undefined);
  progress.note(0, 0);
  assert.equal(progress.perMs(500), 0);
  assert.equal(progress.perMs(1_500), undefined);
});

test('calls that run and do not end are no progress, from the first look on', () => {
  const progress = createProgress();
  progress.note(0, 0);
  assert.equal(progress.perMs(0), 0);
  progress.note(100, 0);
  assert.equal(progress.perMs(100), 0);
});

test('the first second of progress counts as fast, the rate of the last second after that', () => {
  const progress = createProgress();
  for (let ms = 0; ms <= 900; ms += 100) progress.note(ms, ms / 10);
  assert.equal(progress.perMs(900), Number.POSITIVE_INFINITY);
  for (let ms = 1_000; ms <= 3_000; ms += 100) progress.note(ms, 100 + (ms - 1_000) * 2);
  assert.equal(progress.perMs(3_000), 2);
});

test('what was done between two looks far apart counts as begun just now', () => {
  const progress = createProgress();
  progress.note(0, 7);
  progress.note(10_000, 9);
  assert.equal(progress.perMs(10_000), Number.POSITIVE_INFINITY);
  progress.note(20_000, 9);
  assert.equal(progress.perMs(20_000), 0);
});

test('a standstill shows within a second', () => {
  const progress = createProgress();
  for (let ms = 0; ms <= 3_000; ms += 100) progress.note(ms, Math.min(ms, 2_000));
  assert.equal(progress.perMs(3_000), 0);
});

test('after a pause progress begins anew', () => {
  const progress = createProgress();
  for (let ms = 0; ms <= 3_000; ms += 100) progress.note(ms, ms);
  progress.note(10_000, 3_000);
  progress.note(10_100, 3_050);
  assert.equal(progress.perMs(10_100), Number.POSITIVE_INFINITY);
});
