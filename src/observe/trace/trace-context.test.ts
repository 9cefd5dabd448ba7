import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTraceparent, parseTraceparent, readTraceContext, withTraceContext } from './trace-context.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

test('a traceparent is read as W3C Trace Context says, and later versions by what is known of them', () => {
  const sampled = { traceId, spanId, sampled: true };
  assert.deepEqual(parseTraceparent(`00-${traceId}-${spanId}-01`), sampled);
  assert.deepEqual(parseTraceparent(`00-${traceId}-${spanId}-00`), { traceId, spanId, sampled: false });
  assert.deepEqual(parseTraceparent(`00-${traceId}-${spanId}-03`), sampled);
  assert.deepEqual(parseTraceparent(`cc-${traceId}-${spanId}-01`), sampled);
  assert.deepEqual(parseTraceparent(`cc-${traceId}-${spanId}-01-what-comes`), sampled);
});

test('what is not valid is no context', () => {
  for (const text of [
    '',
    'nonsense',
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `cc-${traceId}-${spanId}-01.more`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    `00-${traceId}-${spanId}-1`,
    `0-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-0g`,
  ]) {
    assert.equal(parseTraceparent(text), undefined, text);
  }
});

test('two traceparents are none, whatever their case', () => {
  const one = `00-${traceId}-${spanId}-01`;
  assert.equal(readTraceContext(['Traceparent', ` ${one} `])?.spanId, spanId);
  assert.equal(readTraceContext(['traceparent', one, 'TraceParent', one]), undefined);
  assert.equal(readTraceContext(['x', 'y']), undefined);
});

test('a context takes the place of the one before, and tracestate stays only within a trace', () => {
  const headers = ['A', 'b', 'TraceParent', 'old', 'tracestate', 'k=v'];
  const context = { traceId, spanId, sampled: false };
  const own = ['traceparent', formatTraceparent(context)];
  assert.deepEqual(withTraceContext(headers, context, true), ['A', 'b', 'tracestate', 'k=v', ...own]);
  assert.deepEqual(withTraceContext(headers, context, false), ['A', 'b', ...own]);
});
