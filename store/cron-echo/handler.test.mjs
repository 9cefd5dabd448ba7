import assert from 'node:assert/strict';
import { test } from 'node:test';
import handler from './handler.mjs';

test('logs and answers time, caller, topic, schedule and body', async (t) => {
  const log = t.mock.method(console, 'log', () => undefined);
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2030, 0, 2, 3, 4, 5) });
  const headers = { 'x-connector': 'cron-connector', 'x-topic': 'cron-function', 'x-schedule': '*/5 * * * *' };
  const answer = await handler.fetch(new Request('http://cron-echo/', { method: 'POST', body: 'tick', headers }));
  const call = {
    at: '2030-01-02T03:04:05.000Z',
    by: 'cron-connector',
    topic: 'cron-function',
    schedule: '*/5 * * * *',
    body: 'tick',
  };
  assert.deepEqual(await answer.json(), call);
  assert.deepEqual(JSON.parse(log.mock.calls[0].arguments[0]), call);
});

test('shows the beginning of a long body', async (t) => {
  t.mock.method(console, 'log', () => undefined);
  const answer = await handler.fetch(new Request('http://cron-echo/', { method: 'POST', body: 'x'.repeat(5000) }));
  assert.equal((await answer.json()).body.length, 1001);
});
