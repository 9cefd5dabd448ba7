import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coldStart, invocationEnd, invocationStart, jobAccepted, jobSettled } from './channels.ts';
import { createMetrics } from './metrics.ts';
import { startMetricsServer } from './metrics-server.ts';

function call(name: string, status: number): void {
  invocationStart.publish({ function: name });
  invocationEnd.publish({ id: '1', function: name, status, durationMs: 12, queuedMs: 2, cold: false });
}

test('calls are counted by function and code under the names of OpenFaaS', async (t) => {
  const metrics = createMetrics(() => new Map([['a.ns', 3]]));
  t.after(() => metrics.close());
  call('a.ns', 200);
  call('a.ns', 200);
  call('a.ns', 502);
  coldStart.publish({ revision: 'ns/a-00001', durationMs: 7, pooled: true });
  const text = await metrics.render();
  assert.match(text, /gateway_function_invocation_total\{function_name="a\.ns",code="200"\} 2/);
  assert.match(text, /gateway_function_invocation_total\{function_name="a\.ns",code="502"\} 1/);
  assert.match(text, /gateway_function_invocation_started\{function_name="a\.ns"\} 3/);
  assert.match(text, /gateway_function_invocation_inflight\{function_name="a\.ns"\} 0/);
  assert.match(text, /gateway_functions_seconds_count\{.*code="200".*\} 2/);
  assert.match(text, /gateway_service_count\{function_name="a\.ns"\} 3/);
  assert.match(text, /tinderbox_queue_seconds_count\{function_name="a\.ns"\} 3/);
  assert.match(text, /tinderbox_cold_start_seconds_count\{pooled="true"\} 1/);
  assert.equal(metrics.invocationCount('a.ns'), 3);
});

test('a forgotten function leaves no series behind', async (t) => {
  const metrics = createMetrics(() => new Map());
  t.after(() => metrics.close());
  call('gone.ns', 200);
  metrics.forget('gone.ns');
  assert.doesNotMatch(await metrics.render(), /gone\.ns/);
  assert.equal(metrics.invocationCount('gone.ns'), 0);
});

test('the listener answers a scrape and nothing else', async (t) => {
  const server = await startMetricsServer({ render: () => Promise.resolve('x 1\n') }, 0);
  t.after(() => server.close());
  const base = `http://127.0.0.1:${server.port}`;
  assert.equal(await (await fetch(`${base}/metrics`)).text(), 'x 1\n');
  assert.equal((await fetch(`${base}/healthz`)).status, 200);
  assert.equal((await fetch(`${base}/system/functions`)).status, 404);
  assert.equal((await fetch(`${base}/metrics`, { method: 'POST' })).status, 405);
  await assert.rejects(startMetricsServer({ render: () => Promise.resolve('') }, server.port), { code: 'conflict' });
});

test('buckets are cumulative and carry the time calls took', async (t) => {
  const metrics = createMetrics(() => new Map());
  t.after(() => metrics.close());
  for (const durationMs of [0.4, 0.5, 3, 20_000]) {
    invocationStart.publish({ function: 'b.ns' });
    invocationEnd.publish({ id: '1', function: 'b.ns', status: 200, durationMs, queuedMs: 0, cold: false });
  }
  const text = await metrics.render();
  const bucket = (le: string): string | undefined =>
    text.split('\n').find((line) => line.startsWith(`gateway_functions_seconds_bucket{le="${le}"`));
  assert.match(bucket('0.0005') ?? '', / 2$/);
  assert.match(bucket('0.005') ?? '', / 3$/);
  assert.match(bucket('10') ?? '', / 3$/);
  assert.match(bucket('+Inf') ?? '', / 4$/);
  assert.match(text, /gateway_functions_seconds_sum\{.*\} 20\.0039/);
  assert.match(text, /# TYPE gateway_functions_seconds histogram/);
});

test('a call that outlives its function leaves no series, and no negative count when the function comes back', async (t) => {
  const metrics = createMetrics(() => new Map());
  t.after(() => metrics.close());
  invocationStart.publish({ function: 'back.ns' });
  metrics.forget('back.ns');
  invocationEnd.publish({ id: '1', function: 'back.ns', status: 200, durationMs: 1, queuedMs: 0, cold: false });
  assert.doesNotMatch(await metrics.render(), /back\.ns/);
  call('back.ns', 200);
  invocationEnd.publish({ id: '2', function: 'back.ns', status: 200, durationMs: 1, queuedMs: 0, cold: false });
  assert.match(await metrics.render(), /inflight\{function_name="back\.ns"\} 0/);
});

test('stored calls are told under the names of the queue worker', async (t) => {
  const metrics = createMetrics(() => new Map());
  t.after(() => metrics.close());
  assert.doesNotMatch(await metrics.render(), /function_name="a\.ns"/);
  metrics.showQueue({
    depth: () => Promise.resolve([{ lane: 'a.ns', queue: 'reports', jobs: 5 }]),
    running: () => new Map([['a.ns', 2]]),
    queueOf: () => 'reports',
  });
  jobAccepted.publish({ lane: 'a.ns', queue: 'reports' });
  jobSettled.publish({ lane: 'a.ns', queue: 'reports', outcome: 'retry' });
  const text = await metrics.render();
  assert.match(text, /queue_worker_pending_messages\{queue_name="reports",function_name="a\.ns"\} 5/);
  assert.match(text, /queue_worker_function_invocation_inflight\{queue_name="reports",function_name="a\.ns"\} 2/);
  assert.match(text, /queue_worker_messages_submitted_total\{queue_name="reports"\} 1/);
  assert.match(text, /queue_worker_messages_processed_total\{queue_name="reports",outcome="retry"\} 1/);
});
