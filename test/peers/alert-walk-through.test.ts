import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent } from 'undici';
import { deployFiles } from '../support/deploy.ts';
import { usePlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { obtainAlertmanager, startAlertmanager } from './alertmanager.ts';
import { obtainPrometheus, startPrometheus } from './prometheus.ts';

const patienceMs = 120_000;

/**
 * OpenFaaS's published walk-through: a function with 5 to 20 replicas is called 20,000 times, which the rule sees, and
 * Alertmanager adds a fifth of the maximum as often as it repeats itself. Only the times between two repeats are shorter.
 */
test('OpenFaaS’s rule drives a function from 5 replicas to 20 in steps, and back when it is over', async (t) => {
  const [prometheusFile, alertmanagerFile] = [obtainPrometheus(), obtainAlertmanager()];
  for (const obtained of [prometheusFile, alertmanagerFile]) {
    if (!requirement(t, 'file' in obtained, 'missing' in obtained ? obtained.missing : '')) return;
  }
  if (!('file' in prometheusFile) || !('file' in alertmanagerFile)) return;
  const platform = await usePlatform(t);
  const alertmanager = await startAlertmanager(alertmanagerFile.file, tempDir(t), {
    platformUrl: platform.url,
    passwordFile: join(platform.stateDir, 'password'),
    times: {
      'group_wait: 5s': 'group_wait: 1s',
      'group_interval: 10s': 'group_interval: 3s',
      'repeat_interval: 30s': 'repeat_interval: 3s',
    },
  });
  t.after(() => alertmanager.close());
  const prometheus = await startPrometheus(prometheusFile.file, tempDir(t), {
    platform: new URL(platform.metricsUrl).host,
    alertmanager: alertmanager.address,
    intervalMs: 1000,
  });
  t.after(() => prometheus.close());
  const labels = { 'com.openfaas.scale.min': '5', 'com.openfaas.scale.max': '20', 'com.openfaas.scale.factor': '20' };
  const handler = 'module.exports = async (event, context) => context.succeed("gone");\n';
  await deployFiles(platform, 'figlet', { 'handler.js': handler }, { spec: { labels } });

  const replicas = async (): Promise<{ wanted: number; ready: number }> => {
    const status = (await (await platform.fetch('/system/function/figlet')).json()) as Record<string, number>;
    return { wanted: status['replicas'] ?? 0, ready: status['availableReplicas'] ?? 0 };
  };
  await until('five run', async () => (await replicas()).ready === 5, patienceMs);

  const steps = [5];
  const watch = new AbortController();
  const watching = (async () => {
    while (!watch.signal.aborted) {
      const { wanted } = await replicas();
      if (wanted !== steps.at(-1)) steps.push(wanted);
      await delay(50);
    }
  })();
  await callSteadily(`${platform.url}/function/figlet`, 20_000, 500);
  await until('twenty run', async () => (await replicas()).ready === 20, patienceMs);
  const scraped = await prometheus.query('gateway_service_count{function_name="figlet.openfaas-fn"}');
  assert.equal(scraped[0]?.value, 20);
  await until('it is back at five', async () => (await replicas()).ready === 5, patienceMs);
  await until('the watch has seen it, too', () => steps.at(-1) === 5, patienceMs);
  watch.abort();
  await watching;
  assert.deepEqual(steps, [5, 9, 13, 17, 20, 5]);
  t.diagnostic(`replicas over time: ${steps.join(' → ')}`);
});

/** So many calls, that many a second; each must succeed. */
async function callSteadily(url: string, total: number, perSecond: number): Promise<void> {
  const dispatcher = new Agent({ connections: 32 });
  const beganMs = performance.now();
  const underWay = new Set<Promise<void>>();
  for (let made = 0; made < total; ) {
    const due = Math.min(total, Math.ceil(((performance.now() - beganMs) / 1000) * perSecond));
    for (; made < due; made += 1) {
      const one = call(url, dispatcher).finally(() => underWay.delete(one));
      underWay.add(one);
    }
    await delay(10);
  }
  await Promise.all(underWay);
  await dispatcher.close();
}

async function call(url: string, dispatcher: Agent): Promise<void> {
  const { origin, pathname } = new URL(url);
  const { statusCode, body } = await dispatcher.request({ origin, path: pathname, method: 'GET' });
  assert.equal(await body.text(), 'gone');
  assert.equal(statusCode, 200);
}
