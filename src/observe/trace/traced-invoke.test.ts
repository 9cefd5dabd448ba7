import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { callsOf, createWorld, settingsOf, type World } from '../../../test/support/router-world.ts';
import { until } from '../../../test/support/until.ts';
import { Cancel } from '../../model/cancel.ts';
import type { Invocation, Invoke } from '../../model/invocation.ts';
import { callOf } from '../../router/transport/conformance.ts';
import type { Span } from './span.ts';
import { readTraceContext } from './trace-context.ts';
import { createTracer } from './tracer.ts';
import { traceInvoke } from './traced-invoke.ts';

interface Traced extends World {
  readonly spans: Span[];
  call(more?: Partial<Invocation>): ReturnType<Invoke>;
  named(start: string): Span;
}

/** A real router, traced. */
function useTraced(t: TestContext, settings = settingsOf(), ratio = 1): Traced {
  const world = createWorld(settings);
  const spans: Span[] = [];
  const tracer = createTracer({ sink: { add: (span) => void spans.push(span) }, ratio });
  const traced = traceInvoke(world.router.invoke, tracer);
  t.after(() => traced.close());
  const named = (start: string): Span => {
    const found = spans.filter(({ name }) => name.startsWith(start));
    assert.equal(found.length, 1, `${found.length} of ${spans.map(({ name }) => name).join()} begin with ${start}`);
    return found[0] as Span;
  };
  return { ...world, spans, named, call: (more) => traced.invoke(callOf('/path?secret=1', more), new Cancel()) };
}

const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const sampled = ['traceparent', `00-${parent.traceId}-${parent.spanId}-01`];

test('a call is a span, its time in the instance one below it, and the function is told the latter', async (t) => {
  const world = useTraced(t);
  world.instance('one', 'ready');
  const reply = world.call({ headers: [...sampled, 'tracestate', 'k=v'] });
  const [arrived] = callsOf(world, 'one');
  const told = readTraceContext(arrived?.call.headers ?? []);
  world.pass(25);
  arrived?.answer('ok', 200);
  await reply;
  await until('its spans are over', () => world.spans.length === 2);
  const [whole, instance] = [world.named('GET echo.openfaas-fn'), world.named('instance echo.openfaas-fn')];
  assert.deepEqual([whole.traceId, whole.parentSpanId, whole.kind], [parent.traceId, parent.spanId, 'server']);
  assert.deepEqual([instance.traceId, instance.parentSpanId, instance.kind], [parent.traceId, whole.spanId, 'client']);
  assert.deepEqual(told, { traceId: parent.traceId, spanId: instance.spanId, sampled: true });
  assert.ok(arrived?.call.headers.includes('tracestate'));
  assert.deepEqual(whole.attributes, {
    'faas.name': 'echo.openfaas-fn',
    'faas.invocation_id': 'call-1',
    'faas.trigger': 'http',
    'http.request.method': 'GET',
    'url.path': '/path',
    'http.response.status_code': 200,
    'faas.coldstart': false,
  });
  assert.equal(whole.error, undefined);
});

test('a call that waits for a cold start says how long, and a stored one is consumed', async (t) => {
  const world = useTraced(t);
  const reply = world.call({ source: 'async' });
  world.pass(100);
  world.instance('one', 'ready');
  const [arrived] = callsOf(world, 'one');
  world.pass(25);
  arrived?.answer('no', 502);
  await reply;
  await until('its spans are over', () => world.spans.length === 3);
  const [whole, wait] = [world.named('process echo.openfaas-fn'), world.named('wait echo')];
  assert.deepEqual([whole.kind, whole.error, whole.parentSpanId], ['consumer', '502', undefined]);
  assert.equal(wait.parentSpanId, whole.spanId);
  assert.equal(wait.attributes['faas.coldstart'], true);
  assert.equal(Math.round(wait.endMs - wait.startMs), 100);
});

test('a stream is over when its body is, and a call refused before it began is over at once', async (t) => {
  const world = useTraced(t);
  world.instance('one', 'ready');
  const reply = world.call();
  const done = Promise.withResolvers<void>();
  const streaming = { kind: 'streaming', status: 200, headers: [], origin: 'function' } as const;
  const body = { body: Readable.from(['x']), contentLength: undefined, trailers: () => [] };
  callsOf(world, 'one')[0]?.send({ ...streaming, ...body }, done.promise);
  await reply;
  assert.equal(world.spans.length, 0);
  world.pass(25);
  done.resolve();
  await until('its spans are over', () => world.spans.length === 2);

  await assert.rejects(world.call({ function: 'none.openfaas-fn' }), { code: 'not-found' });
  await until('the refusal is told', () => world.spans.length === 3);
  const refused = world.named('GET none');
  assert.deepEqual([refused.error, refused.attributes['http.response.status_code']], ['not-found', 404]);
});

test('two calls with one id keep their spans apart, and a call that never got a slot has none of an instance', async (t) => {
  const world = useTraced(t, settingsOf({ concurrency: 1, queueDepth: 0 }));
  world.instance('one', 'ready', { concurrency: 1 });
  const first = world.call();
  await assert.rejects(world.call({ headers: sampled }), { code: 'queue-full' });
  world.pass(25);
  callsOf(world, 'one')[0]?.answer();
  await first;
  await until('their spans are over', () => world.spans.length >= 3);
  assert.equal(world.spans.filter(({ name }) => name.startsWith('instance')).length, 1);
  assert.equal(world.spans.filter(({ name }) => name.startsWith('GET')).length, 2);
});

test('a call whose trace is not recorded goes on as it came', async (t) => {
  const world = useTraced(t);
  world.instance('one', 'ready');
  const headers = ['traceparent', `00-${parent.traceId}-${parent.spanId}-00`];
  const reply = world.call({ headers });
  const [arrived] = callsOf(world, 'one');
  assert.equal(arrived?.call.headers, headers);
  arrived?.answer();
  await reply;
  assert.deepEqual(world.spans, []);
});
