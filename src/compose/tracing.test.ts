import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveConfig } from '../config/resolve-config.ts';
import type { Invoke } from '../model/invocation.ts';
import { createMetrics } from '../observe/metrics.ts';
import { startTracing } from './tracing.ts';

const invoke: Invoke = () => Promise.reject(new Error('nobody is called'));

function configWith(flags: Record<string, string>) {
  return resolveConfig({ flags, env: {}, file: {}, buildEnv: {}, home: '/home/x', uid: 1000 });
}

test('without a collector the path of a call is the router’s own, and with one it is another', async (t) => {
  const metrics = createMetrics({ scales: () => [] });
  t.after(() => metrics.close());
  await using stack = new AsyncDisposableStack();
  const off = await startTracing(configWith({}), '1', { metrics, invoke }, stack);
  assert.equal(off.invoke, invoke);
  assert.equal(off.jobTracer, undefined);
  const on = await startTracing(configWith({ tracingEndpoint: 'http://127.0.0.1:9' }), '1', { metrics, invoke }, stack);
  assert.notEqual(on.invoke, invoke);
  assert.notEqual(on.jobTracer, undefined);
});
