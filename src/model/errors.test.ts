import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorCodes, TinderboxError } from './errors.ts';

test('docs/errors.md has one row for every code, with its status and exit code', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (\d+) \| (\d+) \|/gm)].map((row) => [
    row[1],
    Number(row[2]),
    Number(row[3]),
  ]);
  assert.deepEqual(
    rows,
    Object.entries(errorCodes).map(([code, { status, exitCode }]) => [code, status, exitCode]),
  );
});

test('from keeps ours, turns an abort into canceled and all else into internal with its cause', () => {
  const ours = new TinderboxError('not-found', 'no function "x"', { hint: 'deploy it' });
  assert.equal(TinderboxError.from(ours), ours);
  assert.equal(TinderboxError.from(AbortSignal.abort().reason).code, 'canceled');
  const cause = new TypeError('x is undefined');
  const foreign = TinderboxError.from(cause);
  assert.deepEqual([foreign.code, foreign.status, foreign.cause], ['internal', 500, cause]);
});

test('how long to wait before another try is told in whole seconds, at least one', () => {
  const seconds = (retryAfterMs?: number): number | undefined =>
    new TinderboxError('unavailable', 'x', retryAfterMs === undefined ? {} : { retryAfterMs }).retryAfterSeconds;
  assert.deepEqual([seconds(), seconds(0), seconds(1000), seconds(1001)], [undefined, 1, 1, 2]);
});
