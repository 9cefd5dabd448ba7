import assert from 'node:assert/strict';
import { test } from 'node:test';
import { covers, differs, notApplicable } from '../../test/support/covers.ts';
import type { Instance } from '../model/instance.ts';
import type { TriggerSpec } from '../model/trigger.ts';
import {
  coldStart,
  instanceChanged,
  invocationEnd,
  invocationStart,
  jobAccepted,
  jobSettled,
  natsReconnected,
  requestEnd,
  scaleStated,
} from './channels.ts';
import { createMetrics } from './metrics.ts';
import { startMetricsServer } from './metrics-server.ts';
import type { FunctionScale } from './scale-metrics.ts';
import { UsageTotals } from './usage-metrics.ts';

function scaleOf(name: string, more: Partial<FunctionScale> = {}): FunctionScale {
  return { function: name, replicas: 1, ready: 1, min: 1, target: 50, type: 'capacity', ...more };
}

function call(name: string, status: number): void {
  invocationStart.publish({ function: name });
  invocationEnd.publish({ id: '1', function: name, status, durationMs: 12, queuedMs: 2, cold: false });
}

test('calls are counted by function and code under the names of OpenFaaS', async (t) => {
  covers('metric', 'gateway_function_invocation_total', 'gateway_function_invocation_started');
  covers('metric', 'gateway_function_invocation_inflight', 'gateway_functions_seconds');
  covers('metric', 'gateway_service_count', 'gateway_service_ready_count', 'gateway_service_min');
  covers('metric', 'gateway_service_target', 'gateway_service_target_load');
  const metrics = createMetrics({ scales: () => [scaleOf('a.ns', { ready: 3, replicas: 4 })] });
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
  assert.match(text, /gateway_service_count\{function_name="a\.ns"\} 4/);
  assert.match(text, /gateway_service_ready_count\{function_name="a\.ns"\} 3/);
  assert.match(text, /gateway_service_min\{function_name="a\.ns"\} 1/);
  assert.match(text, /gateway_service_target_load\{function_name="a\.ns",scaling_type="capacity"\} 50/);
  assert.match(text, /tinderbox_queue_seconds_count\{function_name="a\.ns"\} 3/);
  assert.match(text, /tinderbox_cold_start_seconds_count\{pooled="true"\} 1/);
  assert.equal(metrics.invocationCount('a.ns'), 3);
});

test('a forgotten function leaves no series behind', async (t) => {
  const metrics = createMetrics({ scales: () => [] });
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
  assert.equal(await (await fetch(`${base}/metrics?team=a`)).text(), 'x 1\n');
  assert.equal((await fetch(`${base}/healthz`)).status, 200);
  assert.equal((await fetch(`${base}/system/functions`)).status, 404);
  assert.equal((await fetch(`${base}/metrics`, { method: 'POST' })).status, 405);
  await assert.rejects(startMetricsServer({ render: () => Promise.resolve('') }, server.port), { code: 'conflict' });
});

test('buckets are cumulative and carry the time calls took', async (t) => {
  const metrics = createMetrics({ scales: () => [] });
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
  const metrics = createMetrics({ scales: () => [] });
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
  covers('metric', 'queue_worker_pending_messages', 'queue_worker_function_invocation_inflight');
  covers('metric', 'queue_worker_messages_submitted_total');
  differs('metric', 'queue_worker_messages_processed_total', 'with a label `outcome`: done, retry or dead');
  const metrics = createMetrics({ scales: () => [] });
  t.after(() => metrics.close());
  assert.doesNotMatch(await metrics.render(), /function_name="a\.ns"/);
  metrics.showQueue({
    depth: () => Promise.resolve([{ lane: 'a.ns', queue: 'reports', jobs: 5 }]),
    running: () => new Map([['a.ns', 2]]),
    queueOf: () => 'reports',
    waitingSince: () => new Map([['a.ns', Date.now() - 90_000]]),
  });
  jobAccepted.publish({ lane: 'a.ns', queue: 'reports' });
  jobSettled.publish({ lane: 'a.ns', queue: 'reports', outcome: 'retry' });
  const text = await metrics.render();
  assert.match(text, /queue_worker_pending_messages\{queue_name="reports",function_name="a\.ns"\} 5/);
  assert.match(text, /queue_worker_function_invocation_inflight\{queue_name="reports",function_name="a\.ns"\} 2/);
  assert.match(text, /queue_worker_messages_submitted_total\{queue_name="reports"\} 1/);
  assert.match(text, /queue_worker_messages_processed_total\{queue_name="reports",outcome="retry"\} 1/);
  assert.match(text, /tinderbox_queue_oldest_seconds\{queue_name="reports",function_name="a\.ns"\} 9\d/);
});

test('requests of the API are counted by route under the names of gateway and provider', async (t) => {
  covers('metric', 'http_requests_total', 'http_request_duration_seconds');
  covers('metric', 'provider_http_requests_total', 'provider_http_request_duration_seconds');
  const metrics = createMetrics({ scales: () => [] });
  t.after(() => metrics.close());
  requestEnd.publish({ method: 'GET', path: '/system/function/:name', status: 404, durationMs: 3 });
  requestEnd.publish({ method: 'POST', path: '/async-function/:name', status: 202, durationMs: 3 });
  const text = await metrics.render();
  assert.match(text, /^http_requests_total\{method="GET",path="\/system\/function\/:name",status="404"\} 1/m);
  assert.match(text, /^http_requests_total\{method="POST",path="\/async-function\/:name",status="202"\} 1/m);
  assert.match(text, /http_request_duration_seconds_bucket\{le="0.005",method="GET",.*\} 1/);
  assert.match(text, /provider_http_requests_total\{.*path="\/system\/function\/:name",code="404"\} 1/);
  assert.doesNotMatch(text, /provider_http_requests_total\{.*async-function/);
});

test('changes of scale and failed instances are counted by function, and forgotten with it', async (t) => {
  covers('metric', 'faasnetes_scale_total');
  notApplicable('metric', 'faasnetes_sync_handler_gauge', 'there is no operator that syncs objects of Kubernetes');
  notApplicable('metric', 'faasnetes_sync_handler_histogram', 'there is no operator that syncs objects of Kubernetes');
  notApplicable('metric', 'faasnetes_nats_reconnect_total', 'there is no operator beside the gateway');
  const scales = [scaleOf('a.ns')];
  const metrics = createMetrics({ scales: () => scales });
  t.after(() => metrics.close());
  const failed = { id: 'i', revision: 'ns/a-00001', state: 'failed' } as Partial<Instance> as Instance;
  scaleStated.publish({ revision: 'ns/a-00001', ok: true });
  scaleStated.publish({ revision: 'ns/a-00002', ok: false });
  instanceChanged.publish(failed);
  instanceChanged.publish({ ...failed, address: { kind: 'http', host: '127.0.0.1', port: 1 } });
  const text = await metrics.render();
  assert.match(text, /faasnetes_scale_total\{function_name="a\.ns",status="success"\} 1/);
  assert.match(text, /faasnetes_scale_total\{function_name="a\.ns",status="error"\} 1/);
  assert.match(text, /tinderbox_instance_failures_total\{function_name="a\.ns",phase="start"\} 1/);
  assert.match(text, /tinderbox_instance_failures_total\{function_name="a\.ns",phase="run"\} 1/);
  scales.pop();
  metrics.forget('a.ns');
  instanceChanged.publish(failed);
  assert.doesNotMatch(await metrics.render(), /a\.ns/);
});

test('processor time of a function never falls when its instances go', () => {
  const totals = new UsageTotals();
  const of = (instance: string, cpuMs: number) => ({
    instance,
    function: 'a.ns',
    namespace: 'ns',
    cpuMs,
    memoryBytes: 10,
  });
  const seen = (...now: Parameters<UsageTotals['take']>[0]): number[] => {
    const total = totals.take(now).get('a.ns');
    return [(total?.pastCpuMs ?? 0) + (total?.cpuMs ?? 0), total?.memoryBytes ?? 0];
  };
  assert.deepEqual(seen(of('1', 100), of('2', 50)), [150, 20]);
  assert.deepEqual(seen(of('2', 60)), [160, 10]);
  assert.deepEqual(seen(of('2', 0)), [160, 10]);
  assert.deepEqual(seen(of('3', 5)), [165, 10]);
  assert.deepEqual(seen(), [165, 0]);
  totals.forget('a.ns');
  assert.deepEqual(seen(), [0, 0]);
});

test('two scrapes at once tell the same, and count nothing twice', async (t) => {
  const metrics = createMetrics({ scales: () => [] });
  t.after(() => metrics.close());
  const status = { connected: true, inFlight: 0, lag: 0, delivered: 5, retried: 0, failed: 0 };
  const spec = { kind: 'nats', namespace: 'ns', function: 'a' } as TriggerSpec;
  metrics.showTriggers({ running: () => [{ key: 'ns/t', spec }], status: () => Promise.resolve(status) });
  for (const text of await Promise.all([metrics.render(), metrics.render()])) {
    assert.match(text, /tinderbox_trigger_messages_total\{.*outcome="delivered"\} 5\n/);
  }
});

test('the disks that are written to are told', async (t) => {
  const metrics = createMetrics({ scales: () => [], folders: { data: '/', run: '/none/such' }, version: '1.2.3' });
  t.after(() => metrics.close());
  const text = await metrics.render();
  const value = (name: string): number =>
    Number(new RegExp(`^${name}\\{folder="data"\\} (\\d+)$`, 'm').exec(text)?.[1]);
  assert.ok(value('tinderbox_disk_free_bytes') > 0);
  assert.ok(value('tinderbox_disk_size_bytes') > value('tinderbox_disk_free_bytes'));
  assert.doesNotMatch(text, /folder="run"/);
  assert.match(text, /tinderbox_build_info\{version="1\.2\.3"\} 1/);
  assert.match(text, /^process_resident_memory_bytes \d+$/m);
});

test('a connection to NATS that comes back is counted under the names of gateway and queue worker', async (t) => {
  covers('metric', 'gateway_nats_reconnect_total', 'queue_worker_nats_reconnect_total');
  const metrics = createMetrics({ scales: () => [] });
  t.after(() => metrics.close());
  assert.match(await metrics.render(), /^gateway_nats_reconnect_total 0$/m);
  natsReconnected.publish({ at: '127.0.0.1:4222' });
  const text = await metrics.render();
  assert.match(text, /^gateway_nats_reconnect_total 1$/m);
  assert.match(text, /^queue_worker_nats_reconnect_total 1$/m);
});
