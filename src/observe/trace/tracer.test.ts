import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Span } from './span.ts';
import { readTraceContext } from './trace-context.ts';
import { createTracer, decideSampled } from './tracer.ts';

const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const start = { name: 'a', kind: 'server' } as const;

function traced(ratio: number) {
  const spans: Span[] = [];
  return { spans, tracer: createTracer({ sink: { add: (span) => void spans.push(span) }, ratio }) };
}

test('a request without a trace begins one, and what it asks next is below it', () => {
  const { spans, tracer } = traced(1);
  const { span, headers } = tracer.begin(['x', 'y', 'traceparent', 'broken', 'tracestate', 'other=trace'], start);
  const inner = tracer.below(span, { name: 'b', kind: 'client' });
  inner.end({ k: 1 }, 'why');
  span.end({});
  assert.deepEqual(headers.slice(0, 3), ['x', 'y', 'traceparent']);
  assert.deepEqual(readTraceContext(headers), { ...span.context, sampled: true });
  const [first, second] = spans;
  assert.equal(first?.traceId, second?.traceId);
  assert.equal(first?.parentSpanId, second?.spanId);
  assert.equal(second?.parentSpanId, undefined);
  assert.deepEqual([first?.error, first?.attributes], ['why', { k: 1 }]);
  assert.ok(Math.abs((second?.startMs ?? 0) - Date.now()) < 60_000);
  assert.ok((second?.endMs ?? 0) >= (second?.startMs ?? 0));
});

test('a trace from elsewhere goes on as it was begun, whatever the share of new ones', () => {
  const { spans, tracer } = traced(0);
  const { span, headers } = tracer.begin(['traceparent', `00-${parent.traceId}-${parent.spanId}-01`], start);
  span.end({});
  assert.equal(spans[0]?.traceId, parent.traceId);
  assert.equal(spans[0]?.parentSpanId, parent.spanId);
  assert.equal(readTraceContext(headers)?.spanId, spans[0]?.spanId);

  const other = traced(1);
  const unsampled = ['traceparent', `00-${parent.traceId}-${parent.spanId}-00`, 'tracestate', 'k=v'];
  const passed = other.tracer.begin(unsampled, start);
  passed.span.end({});
  assert.equal(passed.headers, unsampled);
  assert.deepEqual(other.spans, []);
});

test('new traces are recorded in their share, and one that is not says so to the function', () => {
  const { spans, tracer } = traced(0.25);
  let told = 0;
  for (let i = 0; i < 4000; i += 1) {
    const { span, headers } = tracer.begin([], start);
    span.end({});
    if (readTraceContext(headers)?.sampled === true) told += 1;
  }
  assert.equal(told, spans.length);
  assert.ok(spans.length > 800 && spans.length < 1200, `${spans.length} of 4000`);
  assert.equal(decideSampled('0'.repeat(32), 1), true);
  assert.equal(decideSampled('f'.repeat(32), 0), false);
});
