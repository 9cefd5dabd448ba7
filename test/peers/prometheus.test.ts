import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScalingReport } from '../../src/model/scaling-report.ts';
import { covers } from '../support/covers.ts';
import { deployFiles } from '../support/deploy.ts';
import { usePlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { obtainPrometheus, startPrometheus } from './prometheus.ts';

test('a real Prometheus scrapes the metrics, and answers what OpenFaaS’s lists and boards ask it', async (t) => {
  covers('endpoint', '* /function/{name}');
  const client = obtainPrometheus();
  if (!requirement(t, 'file' in client, 'missing' in client ? client.missing : '')) return;
  const platform = await usePlatform(t);
  const handler = 'module.exports = async (event, context) => context.status(Number(event.query.code)).succeed("x");\n';
  await deployFiles(platform, 'counted', { 'handler.js': handler });
  const prometheus = await startPrometheus(
    'file' in client ? client.file : '',
    tempDir(t),
    new URL(platform.metricsUrl).host,
  );
  t.after(() => prometheus.close());
  const of = '{function_name="counted.openfaas-fn"}';
  await until('it scrapes', async () => (await prometheus.query('up == 1')).length === 1, 60_000);

  for (const code of [200, 200, 200, 503]) {
    const answer = await fetch(`${platform.url}/function/counted?code=${code}`);
    assert.equal(answer.status, code);
  }
  const counts = await until('four calls are counted', async () => {
    const found = await prometheus.query(`gateway_function_invocation_total${of}`);
    return found.reduce((sum, { value }) => sum + value, 0) === 4 && found;
  });
  assert.deepEqual(Object.fromEntries(counts.map(({ labels, value }) => [labels['code'], value])), { 200: 3, 503: 1 });

  const list = 'sum(gateway_function_invocation_total{function_name=~".*.openfaas-fn"}) by (function_name)';
  assert.deepEqual(await prometheus.query(list), [{ labels: { function_name: 'counted.openfaas-fn' }, value: 4 }]);
  const started = await prometheus.query(`sum(gateway_function_invocation_started${of})`);
  assert.equal(started[0]?.value, 4);
  const seconds = await prometheus.query(`sum(gateway_functions_seconds_count${of})`);
  assert.equal(seconds[0]?.value, 4);
  const slowest = await prometheus.query(
    `histogram_quantile(0.99, sum(gateway_functions_seconds_bucket${of}) by (le))`,
  );
  assert.ok((slowest[0]?.value ?? 0) > 0);
  const services = await prometheus.query(`gateway_service_count${of}`);
  assert.ok((services[0]?.value ?? 0) >= 1);
  await until('the rate of the rule that raises alerts is there', async () => {
    const rate = await prometheus.query(
      `sum(rate(gateway_function_invocation_total{code="200"}[10s])) by (function_name)`,
    );
    return rate.some(({ labels }) => labels['function_name'] === 'counted.openfaas-fn');
  });
});

test('a real Prometheus answers for functions that are scaled by a query', async (t) => {
  const client = obtainPrometheus();
  if (!requirement(t, 'file' in client, 'missing' in client ? client.missing : '')) return;
  const prometheus = await startPrometheus('file' in client ? client.file : '', tempDir(t), '127.0.0.1:1');
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
