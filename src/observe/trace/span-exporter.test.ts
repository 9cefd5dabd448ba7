import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { until } from '../../../test/support/until.ts';
import { notice } from '../channels.ts';
import { createPostOtlp } from './post-otlp.ts';
import type { Span } from './span.ts';
import { createSpanExporter, type SpanExporterOptions } from './span-exporter.ts';

interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly names: readonly string[];
  readonly body: string;
}

/** A collector that answers as it is told. */
async function useCollector(t: TestContext, answer: () => { status: number; body?: string }) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, names: namesIn(body), body });
      const given = answer();
      response.writeHead(given.status).end(given.body ?? '{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => close(server));
  const { port } = server.address() as { port: number };
  return { received, url: `http://127.0.0.1:${port}/v1/traces`, server };
}

function namesIn(body: string): string[] {
  const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)).map(({ name }) => name);
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  if (server.listening) await once(server, 'close');
}

const resource = { serviceName: 'here', version: '1', attributes: { zone: 'a' } };

function exporterTo(t: TestContext, url: string, more: Partial<SpanExporterOptions> = {}) {
  const post = createPostOtlp({ url, headers: { 'X-Key': 'k' }, timeoutMs: 5000 });
  const exporter = createSpanExporter({ post, resource, intervalMs: 5, retryMs: 5, ...more });
  t.after(() => exporter.close(AbortSignal.timeout(0)));
  return exporter;
}

function spanOf(name: string): Span {
  const ids = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), parentSpanId: undefined };
  return { ...ids, name, kind: 'server', startMs: 1000.5, endMs: 2000, attributes: { n: 1, s: 'x', b: true, d: 0.5 } };
}

test('spans go out in batches, in OTLP’s JSON form', async (t) => {
  const { received, url } = await useCollector(t, () => ({ status: 200 }));
  const exporter = exporterTo(t, url, { batchSpans: 2 });
  for (const name of ['1', '2', '3']) exporter.add(spanOf(name));
  await until('all are taken', () => exporter.counts().exported === 3);
  assert.deepEqual(
    received.map(({ names }) => names),
    [['1', '2'], ['3']],
  );
  assert.equal(received[0]?.headers['content-type'], 'application/json');
  assert.equal(received[0]?.headers['x-key'], 'k');
  const sent = JSON.parse(received[1]?.body ?? '') as object;
  assert.deepEqual(sent, {
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: 'zone', value: { stringValue: 'a' } },
            { key: 'service.name', value: { stringValue: 'here' } },
            { key: 'service.version', value: { stringValue: '1' } },
          ],
        },
        scopeSpans: [
          {
            scope: { name: 'tinderbox', version: '1' },
            spans: [
              {
                traceId: 'a'.repeat(32),
                spanId: 'b'.repeat(16),
                name: '3',
                kind: 2,
                startTimeUnixNano: '1000500000',
                endTimeUnixNano: '2000000000',
                attributes: [
                  { key: 'n', value: { intValue: '1' } },
                  { key: 's', value: { stringValue: 'x' } },
                  { key: 'b', value: { boolValue: true } },
                  { key: 'd', value: { doubleValue: 0.5 } },
                ],
                status: {},
              },
            ],
          },
        ],
      },
    ],
  });
});

test('a collector that is away or overloaded loses nothing that has room, and is told of once', async (t) => {
  const notices: string[] = [];
  t.after(notice.subscribe(({ part, message }) => void (part === 'traces' && notices.push(message))));
  let status = 503;
  const { received, url } = await useCollector(t, () => ({ status }));
  const exporter = exporterTo(t, url, { mostWaiting: 4, batchSpans: 4 });
  for (const name of ['1', '2', '3', '4', '5', '6']) exporter.add(spanOf(name));
  assert.equal(exporter.counts().dropped, 2);
  await until('it was tried three times', () => received.length >= 3);
  assert.equal(notices.length, 1);
  assert.match(notices[0] ?? '', /kept and tried again: it answered 503/);
  status = 200;
  await until('all that were kept are taken', () => exporter.counts().exported === 4);
  assert.deepEqual(received.at(-1)?.names, ['1', '2', '3', '4']);

  const nobody = exporterTo(t, 'http://127.0.0.1:9/v1/traces');
  nobody.add(spanOf('lost'));
  await until('nobody listens', () => notices.length === 2);
  await nobody.close(AbortSignal.timeout(5000));
  assert.deepEqual(nobody.counts(), { exported: 0, dropped: 1 });
});

test('what a collector refuses for good is dropped and counted, in whole or in part', async (t) => {
  const answers = [{ status: 400 }, { status: 200, body: '{"partialSuccess":{"rejectedSpans":"1"}}' }];
  const { url } = await useCollector(t, () => answers.shift() ?? { status: 200 });
  const exporter = exporterTo(t, url, { batchSpans: 2 });
  for (const name of ['1', '2', '3', '4']) exporter.add(spanOf(name));
  await until('both batches are answered', () => exporter.counts().exported + exporter.counts().dropped === 4);
  assert.deepEqual(exporter.counts(), { exported: 1, dropped: 3 });
});

test('what waits goes out before the end, and nothing is taken after it', async (t) => {
  const { received, url } = await useCollector(t, () => ({ status: 200 }));
  const exporter = exporterTo(t, url, { batchSpans: 2, intervalMs: 60_000 });
  for (const name of ['1', '2', '3', '4', '5']) exporter.add(spanOf(name));
  await exporter.close(AbortSignal.timeout(5000));
  assert.deepEqual(received.flatMap(({ names }) => names).sort(), ['1', '2', '3', '4', '5']);
  exporter.add(spanOf('late'));
  assert.deepEqual(exporter.counts(), { exported: 5, dropped: 1 });
});
