import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ScalingReport } from '../../src/model/scaling-report.ts';
import { covers } from '../support/covers.ts';
import { deployFiles } from '../support/deploy.ts';
import { type TestPlatform, usePlatform } from '../support/platform.ts';
import { startNatsExporter } from './nats-exporter.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { obtainAlertmanager, startAlertmanager } from './alertmanager.ts';
import { obtainDebianProgram } from './debian-package.ts';
import { findRelease, type Obtained } from './go-program.ts';
import {
  deployedPrometheus,
  obtainPrometheus,
  type PrometheusPlace,
  type RunningPrometheus,
  startPrometheus,
} from './prometheus.ts';

const handler = 'module.exports = async (event, context) => context.status(Number(event.query.code)).succeed("x");\n';

/** The program, or undefined after the test was skipped. */
function require(t: TestContext, obtained: Obtained): string | undefined {
  if (!requirement(t, 'file' in obtained, 'missing' in obtained ? obtained.missing : '')) return undefined;
  return 'file' in obtained ? obtained.file : undefined;
}

async function usePrometheus(
  t: TestContext,
  platform: TestPlatform,
  more: Omit<PrometheusPlace, 'platform'> = {},
): Promise<RunningPrometheus | undefined> {
  const file = require(t, obtainPrometheus());
  if (file === undefined) return undefined;
  const place = { platform: new URL(platform.metricsUrl).host, ...more };
  const prometheus = await startPrometheus(file, tempDir(t), place);
  t.after(() => prometheus.close());
  const up = 'up{job="tinderbox"} == 1';
  await until('it scrapes', async () => (await prometheus.query(up)).length === 1, 60_000);
  return prometheus;
}

test('the configuration and the rules that are shipped pass Prometheus’ own check and tests', (t) => {
  const promtool = require(t, obtainDebianProgram('promtool', 'prometheus'));
  const amtool = require(t, obtainDebianProgram('amtool', 'prometheus-alertmanager'));
  if (promtool === undefined || amtool === undefined) return;
  for (const [file, ...args] of [
    [promtool, 'check', 'config', 'prometheus.yml'],
    [promtool, 'check', 'rules', 'rules/openfaas.yml', 'rules/tinderbox.yml'],
    [promtool, 'test', 'rules', 'rules-test.yml'],
    [amtool, 'check-config', '../alertmanager/alertmanager.yml'],
  ]) {
    const run = spawnSync(file ?? '', args, { cwd: deployedPrometheus, encoding: 'utf8' });
    assert.equal(run.status, 0, `${args.join(' ')}: ${run.stdout}${run.stderr}`);
    assert.match(run.stdout, /SUCCESS/);
  }
});

test('a real Prometheus scrapes the metrics, and answers what OpenFaaS’s lists and boards ask it', async (t) => {
  covers('endpoint', '* /function/{name}');
  const platform = await usePlatform(t);
  await deployFiles(platform, 'counted', { 'handler.js': handler });
  const prometheus = await usePrometheus(t, platform);
  if (prometheus === undefined) return;
  const of = '{function_name="counted.openfaas-fn"}';
  const ids: (string | null)[] = [];
  for (const code of [200, 200, 200, 503]) {
    const answer = await fetch(`${platform.url}/function/counted?code=${code}`);
    assert.equal(answer.status, code);
    ids.push(answer.headers.get('x-call-id'));
  }
  const counts = await until('four calls are counted', async () => {
    const found = await prometheus.query(`gateway_function_invocation_total${of}`);
    return found.reduce((sum, { value }) => sum + value, 0) === 4 && found;
  });
  assert.deepEqual(Object.fromEntries(counts.map(({ labels, value }) => [labels['code'], value])), { 200: 3, 503: 1 });

  const list = 'sum(gateway_function_invocation_total{function_name=~".*.openfaas-fn"}) by (function_name)';
  assert.deepEqual(await prometheus.query(list), [{ labels: { function_name: 'counted.openfaas-fn' }, value: 4 }]);
  const value = async (query: string): Promise<number> => (await prometheus.query(query))[0]?.value ?? Number.NaN;
  assert.equal(await value(`sum(gateway_function_invocation_started${of})`), 4);
  assert.equal(await value(`sum(gateway_functions_seconds_count${of})`), 4);
  const slowest = `histogram_quantile(0.99, sum(gateway_functions_seconds_bucket${of}) by (le))`;
  assert.ok((await value(slowest)) > 0);
  for (const name of ['gateway_service_count', 'gateway_service_ready_count']) {
    assert.ok((await value(name + of)) >= 1, name);
  }
  covers('metric', 'pod_cpu_usage_seconds_total', 'pod_memory_working_set_bytes');
  assert.ok((await value(`pod_cpu_usage_seconds_total{namespace="openfaas-fn"}`)) > 0);
  assert.ok((await value(`pod_memory_working_set_bytes${of}`)) > 2 ** 20);
  assert.equal(await value('http_requests_total{method="POST",path="/system/functions",status="202"}'), 1);

  await until('the rate of the rule that raises alerts is there', async () => {
    const rate = await prometheus.query(
      `sum(rate(gateway_function_invocation_total{code="200"}[10s])) by (function_name)`,
    );
    return rate.some(({ labels }) => labels['function_name'] === 'counted.openfaas-fn');
  });
  await t.test('a bucket leads to the id of a call in it', async () => {
    const path = `query_exemplars?query=gateway_functions_seconds_bucket&start=${Date.now() / 1000 - 600}&end=${Date.now() / 1000}`;
    const found = (await prometheus.get(path)) as { exemplars: { labels: Record<string, string>; value: string }[] }[];
    const told = found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels['call_id'] ?? ''));
    assert.ok(told.length > 0);
    assert.deepEqual(
      told.filter((id) => !ids.includes(id)),
      [],
    );
  });
});

test('every series our own rules look at is there, and every target is up', async (t) => {
  const file = require(t, obtainAlertmanager());
  if (file === undefined) return;
  const platform = await usePlatform(t);
  const alertmanager = await startAlertmanager(file, tempDir(t), {
    platformUrl: platform.url,
    passwordFile: join(platform.stateDir, 'password'),
  });
  t.after(() => alertmanager.close());
  await deployFiles(platform, 'dies', { 'handler.js': 'module.exports = () => process.exit(3);\n' });
  // Without a release of the exporter for NATS, what is in its list is shown with another.
  const exporter = findRelease('prometheus-nats-exporter');
  const built = exporter === undefined ? undefined : require(t, exporter);
  const nats = built === undefined ? undefined : await startNatsExporter(t, built);
  const prometheus = await usePrometheus(t, platform, {
    alertmanager: alertmanager.address,
    nats: nats ?? alertmanager.address,
  });
  if (prometheus === undefined) return;
  const jobs = await until('all are up', async () => {
    const up = await prometheus.query('up == 1');
    return up.length === 3 && up.map(({ labels }) => labels['job']);
  });
  assert.deepEqual(jobs.sort(), ['alertmanager', 'nats', 'tinderbox']);
  await until('a crash is counted', async () => {
    await fetch(`${platform.url}/function/dies`);
    return (await prometheus.query('increase(tinderbox_instance_failures_total{phase="run"}[10m]) > 0')).length > 0;
  });
  await platform.fetch('/async-function/dies', { method: 'POST' });
  for (const series of [
    'tinderbox_instance_failures_total{phase="start"}',
    'queue_worker_messages_processed_total{outcome="dead"}',
    'tinderbox_disk_free_bytes / tinderbox_disk_size_bytes',
    ...(nats === undefined ? [] : ['gnatsd_varz_connections{job="nats"}', 'jetstream_server_jetstream_disabled == 0']),
  ]) {
    await until(`${series} is there`, async () => (await prometheus.query(series)).length > 0);
  }
});

test('a real Prometheus answers for functions that are scaled by a query', async (t) => {
  const file = require(t, obtainPrometheus());
  if (file === undefined) return;
  const prometheus = await startPrometheus(file, tempDir(t), { platform: '127.0.0.1:1' });
  t.after(() => prometheus.close());
  await until('it answers', async () => (await prometheus.query('vector(1)')).length === 1, 60_000);
  const platform = await usePlatform(t, ['--scale-interval', '200ms', '--prometheus-url', prometheus.url]);
  const labels = { 'com.openfaas.scale.type': 'memory', 'com.openfaas.scale.target': '2' };
  const files = { 'handler.js': 'module.exports = async () => "x";\n' };
  const report = async (name: string): Promise<ScalingReport> =>
    (await (await platform.fetch(`/system/function/${name}/scaling`)).json()) as ScalingReport;
  const annotations = { 'com.tinderbox.scale.query': 'vector(5) or up{function_name="$function_name"}' };
  await deployFiles(platform, 'asked', files, { spec: { labels, annotations } });
  // 5 / (2 × 0.9) = 2.8
  await until('it grows', async () => (await report('asked')).desired === 3, 60_000);
  await deployFiles(platform, 'unknown', files, { spec: { labels } });
  const { meterFailure = '' } = await until(
    'the rule is not there',
    async () => [await report('unknown')].find(({ meterFailure }) => meterFailure !== undefined),
    60_000,
  );
  assert.match(meterFailure, /^Prometheus at http:\/\/127\.0\.0\.1:\d+ finds no series for the query$/);
  await deployFiles(platform, 'wrong', files, {
    spec: { labels, annotations: { 'com.tinderbox.scale.query': '1 +' } },
  });
  await until('the error is told', async () => /parse error/.test((await report('wrong')).meterFailure ?? ''), 60_000);
});
