import assert from 'node:assert/strict';
import { test } from 'node:test';
import handler from './handler.mjs';

test('sleeps as long as header, query or variable say, in this order', async (t) => {
  process.env.sleep_duration = '3ms';
  t.after(() => delete process.env.sleep_duration);
  const text = async (query, headers) =>
    (await handler.fetch(new Request(`http://sleep/${query}`, { headers }))).text();
  assert.equal(await text('?for=2ms', { 'x-sleep': '1ms' }), 'slept 1ms\n');
  assert.equal(await text('?for=2ms', {}), 'slept 2ms\n');
  assert.equal(await text('', {}), 'slept 3ms\n');
});

test('takes at least that long, and ends when the caller leaves', async () => {
  const startedMs = performance.now();
  await handler.fetch(new Request('http://sleep/?for=0.05s'));
  assert.ok(performance.now() - startedMs >= 49);
  const signal = AbortSignal.timeout(10);
  await assert.rejects(async () => handler.fetch(new Request('http://sleep/?for=5m', { signal })), {
    name: 'AbortError',
  });
});

test('refuses what is no time', async () => {
  for (const text of ['', '-1s', '6m', '1h', 'soon']) {
    assert.equal((await handler.fetch(new Request(`http://sleep/?for=${text}`))).status, 400, text);
  }
});
