import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { usePlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { freePort } from './free-port.ts';
import { buildGoProgram } from './go-program.ts';
import { runServer } from './run-server.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

/** Receives OTLP over HTTP and prints what it understood. */
function collectorConfig(port: number): string {
  return [
    'receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:PORT" } } } }',
    'exporters: { debug: { verbosity: detailed } }',
    'service:',
    '  telemetry: { metrics: { level: none } }',
    '  pipelines: { traces: { receivers: [otlp], exporters: [debug] } }\n',
  ]
    .join('\n')
    .replace('PORT', String(port));
}

interface PrintedSpan {
  readonly fields: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
}

function readPrinted(text: string): PrintedSpan[] {
  const spans = text.split(/^Span #\d+$/m).slice(1);
  return spans.map((span) => ({
    fields: Object.fromEntries([...span.matchAll(/^ {4}(\S[^:]*?) *: (.*)$/gm)].map((m) => [m[1] ?? '', m[2] ?? ''])),
    attributes: Object.fromEntries([...span.matchAll(/^ +-> (\S+): (.*)$/gm)].map((m) => [m[1] ?? '', m[2] ?? ''])),
  }));
}

test('OpenTelemetry’s own collector understands the spans of a call, a stored call and its callback', async (t) => {
  const built = buildGoProgram('collector', 'go-collector');
  if (!requirement(t, 'file' in built, 'missing' in built ? built.missing : '')) return;
  if (!('file' in built)) return;
  const dir = tempDir(t);
  const port = await freePort();
  const [config, printed] = [join(dir, 'collector.yml'), join(dir, 'printed')];
  writeFileSync(config, collectorConfig(port));
  const collector = runServer(built.file, [`--config=file:${config}`], dir, printed);
  t.after(() => collector.close());
  await until('it serves', () => /Everything is ready/.test(readFileSync(printed, 'utf8')), 60_000);

  const platform = await usePlatform(t, [
    '--tracing-endpoint',
    `http://127.0.0.1:${port}`,
    '--tracing-service',
    'mine',
  ]);
  const handler = 'module.exports = async (event, context) => context.status(Number(event.query.code)).succeed("x");\n';
  await deployFiles(platform, 'seen', { 'handler.js': handler });
  const headers = {
    traceparent: `00-${traceId}-${spanId}-01`,
    'X-Callback-Url': 'http://gateway/function/seen?code=200',
  };
  assert.equal((await fetch(`${platform.url}/function/seen?code=200`, { headers })).status, 200);
  assert.equal((await fetch(`${platform.url}/function/seen?code=500`, { headers })).status, 500);
  const stored = await fetch(`${platform.url}/async-function/seen?code=200`, { method: 'POST', headers });
  assert.equal(stored.status, 202);

  const spans = await until('all are understood', () => {
    const found = readPrinted(readFileSync(printed, 'utf8'));
    const of = (start: string): number => found.filter(({ fields }) => fields['Name']?.startsWith(start)).length;
    return of('GET ') === 2 && of('send ') === 1 && of('process ') === 2 && of('instance ') === 4 && found;
  });
  const text = readFileSync(printed, 'utf8');
  assert.match(text, /service\.name: Str\(mine\)/);
  assert.ok(spans.every(({ fields }) => fields['Trace ID'] === traceId));
  const byId = new Map(spans.map((span) => [span.fields['ID'], span]));
  for (const { fields } of spans) {
    assert.ok(
      fields['Parent ID'] === spanId || byId.has(fields['Parent ID'] ?? ''),
      `${fields['Name']} hangs below nothing`,
    );
    assert.ok(Date.parse(isoOf(fields['End time'])) >= Date.parse(isoOf(fields['Start time'])), 'times');
  }
  const whole = spans.filter(({ fields }) => fields['Name'] === 'GET seen.openfaas-fn');
  assert.deepEqual(whole.map(({ fields }) => [fields['Kind'], fields['Status code']]).sort(), [
    ['Server', 'Error'],
    ['Server', 'Unset'],
  ]);
  assert.deepEqual(whole.map(({ attributes }) => attributes['http.response.status_code']).sort(), [
    'Int(200)',
    'Int(500)',
  ]);
  const processed = spans.filter(({ fields }) => fields['Name'] === 'process seen.openfaas-fn');
  assert.deepEqual(
    processed.map(({ fields }) => [fields['Kind'], byId.get(fields['Parent ID'] ?? '')?.fields['Kind']]),
    [
      ['Consumer', 'Producer'],
      ['Consumer', 'Producer'],
    ],
  );
});

/** `2026-11-21 18:00:00.123 +0000 UTC` */
function isoOf(text = ''): string {
  return text.replace(' ', 'T').replace(' +0000 UTC', 'Z');
}
