import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultRetrySettings } from '../model/retry-settings.ts';
import { type AttemptOutcome, decideRetry, parseRetryAfter } from './decide-retry.ts';

const now = 1_000_000;
const context = { attempt: 1, sinceMs: now, nowMs: now, random: 1 };
const failed: AttemptOutcome = { status: 503, origin: 'function', retryAfterMs: undefined };

test('an answer of the function is final unless its status is to be tried again', () => {
  for (const status of [200, 202, 301, 400, 404, 501]) {
    assert.deepEqual(decideRetry({ ...failed, status }, defaultRetrySettings, context), { kind: 'done' });
  }
  for (const status of [408, 429, 500, 502, 503, 504]) {
    assert.equal(decideRetry({ ...failed, status }, defaultRetrySettings, context).kind, 'retry');
  }
  const own = { ...defaultRetrySettings, codes: [404] };
  assert.equal(decideRetry({ ...failed, status: 404 }, own, context).kind, 'retry');
  assert.equal(decideRetry({ ...failed, status: 500 }, own, context).kind, 'done');
});

test('what the platform answered in place of the function is always tried again', () => {
  assert.equal(decideRetry({ ...failed, status: 404, origin: 'router' }, defaultRetrySettings, context).kind, 'retry');
});

test('waits double from the least to the most, each between its half and its whole', () => {
  const waits = (random: number): number[] =>
    [1, 2, 3, 4, 5, 9].map((attempt) => {
      const decision = decideRetry(failed, defaultRetrySettings, { ...context, attempt, random });
      return decision.kind === 'retry' ? decision.atMs - now : -1;
    });
  assert.deepEqual(waits(1), [10_000, 20_000, 40_000, 80_000, 120_000, 120_000]);
  assert.deepEqual(waits(0), [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
});

test('Retry-After takes the place of the wait within its bounds, for 429 and 503 alone', () => {
  const wait = (status: number, retryAfterMs: number): number => {
    const decision = decideRetry({ status, origin: 'function', retryAfterMs }, defaultRetrySettings, context);
    return decision.kind === 'retry' ? decision.atMs - now : -1;
  };
  assert.deepEqual(
    [wait(429, 30_000), wait(503, 1), wait(503, 9_999_999), wait(500, 30_000)],
    [30_000, 10_000, 120_000, 10_000],
  );
});

test('it is given up after the last attempt, and when the next one would come too late', () => {
  assert.deepEqual(decideRetry(failed, defaultRetrySettings, { ...context, attempt: 10 }), {
    kind: 'dead',
    reason: 'status 503 from the function at attempt 10 of 10',
  });
  const old = decideRetry(failed, defaultRetrySettings, { ...context, sinceMs: now - 24 * 3_600_000 });
  assert.equal(old.kind, 'dead');
});

test('Retry-After is seconds or a date', () => {
  assert.equal(parseRetryAfter('7', now), 7000);
  assert.equal(parseRetryAfter(new Date(now + 5000).toUTCString(), now), 5000);
  assert.equal(parseRetryAfter(new Date(0).toUTCString(), now), 0);
  assert.equal(parseRetryAfter('soon', now), undefined);
  assert.equal(parseRetryAfter(undefined, now), undefined);
});
