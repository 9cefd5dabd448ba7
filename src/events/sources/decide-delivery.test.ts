import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultDelivery } from '../../model/trigger.ts';
import { decideDelivery, type DeliveryDecision, reconnectDelayMs, redialDelayMs } from './decide-delivery.ts';

const settings = { ...defaultDelivery, attempts: 4, minWaitMs: 1000, maxWaitMs: 3000 };

for (const [status, attempt, random, retryAfterMs, wanted] of [
  [200, 1, 0, undefined, { kind: 'done' }],
  [302, 9, 0, undefined, { kind: 'done' }],
  [404, 1, 1, undefined, { kind: 'later', delayMs: 1000 }],
  [500, 1, 0, undefined, { kind: 'later', delayMs: 500 }],
  [500, 2, 1, undefined, { kind: 'later', delayMs: 2000 }],
  [500, 3, 1, undefined, { kind: 'later', delayMs: 3000 }],
  [503, 1, 0, 2500, { kind: 'later', delayMs: 2500 }],
  [503, 1, 0, 1, { kind: 'later', delayMs: 1000 }],
  [503, 1, 0, 1e9, { kind: 'later', delayMs: 3000 }],
  [500, 4, 0, undefined, { kind: 'given up' }],
  [500, 5, 0, 100, { kind: 'given up' }],
] as const satisfies readonly (readonly [number, number, number, number | undefined, DeliveryDecision])[]) {
  test(`status ${status} at delivery ${attempt} of 4, Retry-After ${retryAfterMs}: ${JSON.stringify(wanted)}`, () => {
    assert.deepEqual(decideDelivery({ status, retryAfterMs }, settings, { attempt, random }), wanted);
  });
}

test('the wait for a broker doubles up to half a minute', () => {
  const waits = [1, 2, 3, 7, 8, 1000].map((tries) => reconnectDelayMs(tries, 1));
  assert.deepEqual(waits, [500, 1000, 2000, 30_000, 30_000, 30_000]);
  assert.equal(reconnectDelayMs(1, 0), 250);
});

test('a client that dials by itself waits a third of the time it has been without', () => {
  assert.deepEqual(
    [0, 300, 3000, 30_000, 1e9].map((ms) => redialDelayMs(ms, 1)),
    [100, 100, 1000, 10_000, 15_000],
  );
  assert.equal(redialDelayMs(3000, 0), 500);
});
