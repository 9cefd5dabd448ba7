import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { jetstream } from '@nats-io/jetstream';
import { connect, headers as natsHeaders, type MsgHdrs } from '@nats-io/transport-node';
import type { TriggerStatus } from '../../src/model/trigger.ts';
import { deployFiles } from '../support/deploy.ts';
import { useNats } from '../support/nats-server.ts';
import { startPlatform, type TestPlatform, usePlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${spanId}-01`;
const handler = 'module.exports = async (event, context) => context.succeed(String(event.headers.traceparent));\n';

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

/** Hears what is posted to it. */
async function useListener<T>(t: TestContext, read: (request: IncomingMessage, body: string) => T) {
  const heard: T[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      heard.push(read(request, body));
      response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { heard, port: (server.address() as { port: number }).port };
}

async function useCollector(t: TestContext) {
  const { heard, port } = await useListener(t, (_request, body) => {
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] };
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
  });
  return { port, spans: () => heard.flat() };
}

const call = (platform: TestPlatform, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${platform.url}/function/told`, { headers });

test('a call is traced from the gateway to the function, and a stored one through the queue to its callback', async (t) => {
  const collector = await useCollector(t);
  const callback = await useListener(t, ({ headers }, body) => ({ headers, body }));
  const platform = await usePlatform(t, [
    '--tracing-endpoint',
    `http://127.0.0.1:${collector.port}`,
    '--queue-callback-ranges',
    '127.0.0.1',
  ]);
  await deployFiles(platform, 'told', { 'handler.js': handler });
  const named = (name: string): Promise<SentSpan> =>
    until(`${name} is exported`, () => collector.spans().find((span) => span.name === name));

  await t.test('the function is told a span of its own, below the gateway’s, below the client’s', async () => {
    const answer = await call(platform, { traceparent });
    const whole = await named('GET told.openfaas-fn');
    const instance = await named('instance told.openfaas-fn');
    assert.equal(await answer.text(), `00-${traceId}-${instance.spanId}-01`);
    assert.deepEqual([whole.traceId, whole.parentSpanId], [traceId, spanId]);
    assert.equal(instance.parentSpanId, whole.spanId);
    const id = whole.attributes.find(({ key }) => key === 'faas.invocation_id')?.value['stringValue'];
    assert.equal(id, answer.headers.get('x-call-id'));
  });

  await t.test('the stored call carries it, and so does the callback', async () => {
    const own = traceparent.replace('0af', '1af');
    const headers = { traceparent: own, 'X-Callback-Url': `http://127.0.0.1:${callback.port}/done` };
    const answer = await fetch(`${platform.url}/async-function/told`, { method: 'POST', headers });
    assert.equal(answer.status, 202);
    const sent = await named('send told.openfaas-fn');
    const processed = await named('process told.openfaas-fn');
    const back = await named(`callback 127.0.0.1:${callback.port}`);
    assert.deepEqual([sent.traceId, sent.parentSpanId], [own.slice(3, 35), spanId]);
    assert.equal(processed.parentSpanId, sent.spanId);
    assert.equal(back.parentSpanId, sent.spanId);
    assert.equal(callback.heard[0]?.headers['traceparent'], `00-${sent.traceId}-${back.spanId}-01`);
    assert.match(callback.heard[0]?.body ?? '', new RegExp(`^00-${sent.traceId}-`));
  });

  await t.test('a call without a trace, or with a broken one, begins a new one', async () => {
    for (const headers of [{}, { traceparent: 'broken' }]) {
      const told = await (await call(platform, headers as Record<string, string>)).text();
      assert.match(told, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      assert.ok(!told.includes(traceId));
    }
  });
  const metrics = await (await fetch(`${platform.metricsUrl}/metrics`)).text();
  assert.match(metrics, /tinderbox_spans_total\{outcome="exported"\} [1-9]/);
  assert.match(metrics, /tinderbox_spans_total\{outcome="dropped"\} 0/);
});

test('a message carries its trace to the function, at each delivery, with a stream and without', async (t) => {
  const nats = await useNats(t);
  if (nats === undefined) return;
  const collector = await useCollector(t);
  const flags = ['--events-nats', nats.url, '--tracing-endpoint', `http://127.0.0.1:${collector.port}`];
  const platform = await usePlatform(t, flags);
  const failsOnce = `module.exports = async (event, context) => {
  if (event.headers['x-nats-delivery'] === '1') return context.status(500).fail('again');
  return context.succeed(String(event.headers.traceparent));
};
`;
  await deployFiles(platform, 'told', { 'handler.js': failsOnce });
  const connection = await connect({ servers: nats.url });
  t.after(() => connection.close());
  const answers: string[] = [];
  connection.subscribe('answers', { callback: (_error, message) => void answers.push(message.string()) });
  const sources = { streamed: { stream: 'S', subject: 'streamed', createStream: true }, plain: { subject: 'plain' } };
  for (const [name, source] of Object.entries(sources)) {
    const trigger = { name, function: 'told', nats: source, minWait: '10ms', responseTopic: 'answers' };
    const made = await platform.fetch('/system/triggers', { method: 'POST', body: JSON.stringify(trigger) });
    assert.equal(made.status, 201, await made.text());
    await until(`${name} is connected`, async () => {
      const status = await (await platform.fetch(`/system/triggers/${name}`)).json();
      return (status as TriggerStatus).status?.connected;
    });
  }
  const traced = (parent: string): MsgHdrs => {
    const headers = natsHeaders();
    headers.set('traceparent', parent);
    return headers;
  };
  const spansOf = (trace: string, name: string): SentSpan[] =>
    collector.spans().filter((span) => span.traceId === trace && span.name === `${name} told.openfaas-fn`);

  for (const [subject, deliveries] of [
    ['streamed', 2],
    ['plain', 1],
  ] as const) {
    await t.test(`${subject}: each delivery hangs below the message's own span`, async () => {
      const trace = traceId.replace('0af', subject === 'plain' ? '2af' : '3af');
      const headers = traced(`00-${trace}-${spanId}-01`);
      if (subject === 'plain') connection.publish(subject, '', { headers });
      else await jetstream(connection).publish(subject, '', { headers });
      const answer = await until('it is answered', () => answers.find((text) => text.includes(trace)));
      const spans = await until('its spans are exported', () => {
        const found = spansOf(trace, 'process');
        return found.length === deliveries && spansOf(trace, 'instance').length === deliveries && found;
      });
      for (const span of spans) assert.equal(span.parentSpanId, spanId);
      const ids = spans.map(({ attributes }) => attributes.find(({ key }) => key === 'faas.invocation_id')?.value);
      assert.ok(ids[0] !== undefined && ids.every((id) => id?.['stringValue'] === ids[0]?.['stringValue']));
      const told = spansOf(trace, 'instance').find((span) => answer === `00-${trace}-${span.spanId}-01`);
      assert.ok(
        spans.some((span) => span.spanId === told?.parentSpanId),
        answer,
      );
    });
  }

  await t.test('one that is not recorded goes on unrecorded, as it came', async () => {
    const parent = `00-${traceId.replace('0af', '4af')}-${spanId}-00`;
    connection.publish('plain', '', { headers: traced(parent) });
    await until('it is answered', () => answers.includes(parent));
  });
  connection.publish('plain', '');
  const fresh = await until('one without a trace is answered', () => answers[3]);
  const [root] = await until('it began one of its own', () => {
    const spans = spansOf(fresh.split('-')[1] ?? '', 'process');
    return spans.length > 0 && spans;
  });
  assert.equal(root?.parentSpanId, undefined);
  assert.deepEqual(spansOf(traceId.replace('0af', '4af'), 'process'), []);
});

test('without a collector a trace passes to the function as it came; with one that is away calls go on', async (t) => {
  // As a machine may have them for its other programs.
  const env = {
    ...process.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
  };
  const command = [process.execPath, join(import.meta.dirname, '../../bin/tinderbox.mjs')];
  const off = await startPlatform([], undefined, { command, env });
  t.after(() => off.dispose());
  assert.match(off.output(), /^warning: OTEL_EXPORTER_OTLP_PROTOCOL is "grpc".*; nothing is traced/m);
  await deployFiles(off, 'told', { 'handler.js': handler });
  assert.equal(await (await call(off, { traceparent })).text(), traceparent);
  assert.equal(await (await call(off)).text(), 'undefined');
  assert.doesNotMatch(await (await fetch(`${off.metricsUrl}/metrics`)).text(), /tinderbox_spans_total/);

  const lost = await usePlatform(t, ['--tracing-endpoint', 'http://127.0.0.1:9']);
  await deployFiles(lost, 'told', { 'handler.js': handler });
  for (let i = 0; i < 50; i += 1) assert.equal((await call(lost)).status, 200);
  await until('it is told in the log, once', () => /spans cannot be brought to the collector/.test(lost.output()));
  assert.equal(await lost.stop(), 0);
});
