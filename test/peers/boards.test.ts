import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { usePlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { obtainPrometheus, type Series, startPrometheus } from './prometheus.ts';

/**
 * The queries of OpenFaaS's public board, number 3434 on grafana.com, by panel; it is kept in github.com/stefanprodan/faas-grafana
 * (grafana/dashboards/openfaas-dash.json at a50a809).
 */
const board3434: Readonly<Record<string, string>> = {
  'Function rate': 'rate ( gateway_function_invocation_total [20s])',
  'Replica scaling': 'gateway_service_count',
  'Total requests - 200 OK': 'scalar( sum( gateway_function_invocation_total {  code="200"} ))',
  'Execution duration (s)': '(rate(gateway_functions_seconds_sum[20s]) / rate(gateway_functions_seconds_count[20s]))',
};

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** The queries of the board that is shipped, with what Grafana would put in for its variables. */
function shippedQueries(): [panel: string, query: string][] {
  const file = resolve(import.meta.dirname, '../../deploy/grafana/tinderbox.json');
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as { readonly panels: readonly Panel[] };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }): [string, string] => [
      title,
      expr.replaceAll('$__rate_interval', '10s').replaceAll('$function', '.*'),
    ]),
  );
}

const handler = `
module.exports = async (event, context) => {
  if (event.query.wait) await new Promise((done) => setTimeout(done, Number(event.query.wait)));
  return context.status(Number(event.query.code ?? 200)).succeed('x');
};
`;

test('every panel of OpenFaaS’s public board, and of ours, finds data after calls of every kind', async (t) => {
  const obtained = obtainPrometheus();
  if (!requirement(t, 'file' in obtained, 'missing' in obtained ? obtained.missing : '')) return;
  if (!('file' in obtained)) return;
  const platform = await usePlatform(t);
  const place = { platform: new URL(platform.metricsUrl).host };
  const prometheus = await startPrometheus(obtained.file, tempDir(t), place);
  t.after(() => prometheus.close());
  await until('it scrapes', async () => (await prometheus.query('up{job="tinderbox"} == 1')).length === 1, 60_000);
  await deployFiles(platform, 'shown', { 'handler.js': handler });

  const call = async (): Promise<void> => {
    for (const code of [200, 200, 500]) await fetch(`${platform.url}/function/shown?code=${code}`);
    await platform.fetch('/system/functions');
    const stored = await fetch(`${platform.url}/async-function/shown?wait=500`, { method: 'POST' });
    assert.equal(stored.status, 202);
  };
  const ask = async (query: string): Promise<Series[]> =>
    (await prometheus.query(query)).filter(({ value }) => Number.isFinite(value));

  const queries = [...Object.entries(board3434), ...shippedQueries()];
  assert.ok(queries.length > 25, `only ${queries.length} queries were found`);
  for (const [panel, query] of queries) {
    await until(
      `"${panel}" finds data with ${query}`,
      async () => {
        await call();
        return (await ask(query)).length > 0;
      },
      60_000,
    );
  }
  const rates = await ask(board3434['Function rate'] ?? '');
  assert.ok(rates.some(({ labels, value }) => labels['function_name'] === 'shown.openfaas-fn' && value > 0));
  const [total] = await ask(board3434['Total requests - 200 OK'] ?? '');
  assert.ok((total?.value ?? 0) >= 2);
});
