import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { rawClient, startEdge } from '../../test/support/edge.ts';
import { startHttpInstance } from '../../test/support/http-instance.ts';
import { requirement } from '../../test/support/require.ts';

const never = new Int32Array(new SharedArrayBuffer(4));

test('a head that arrived while the platform was held up is not late', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port, { limits: { headersTimeoutMs: 2000 } });
  const [prompt, late] = [await rawClient(t, edge.port), await rawClient(t, edge.port)];
  // Both connections are accepted once a third one, made after them, was answered.
  assert.equal((await fetch(`${edge.url}/function/echo/empty`)).status, 204);
  prompt.write('GET /function/echo/empty HTTP/1.1\r\nHost: x\r\n\r\n');
  late.write('GET /function/echo/empty HTTP/1.1\r\nHost:');
  Atomics.wait(never, 0, 0, 3000);
  assert.match(await prompt.until(/HTTP\/1\.1 /), /^HTTP\/1\.1 204 /);
  assert.match(await late.closed(), /^HTTP\/1\.1 408 /);
});

/** Connects many times from a thread of its own, asks on each, and counts what became of it. */
const crowd = `
const { connect } = require('node:net');
const { workerData: { port, count, counts } } = require('node:worker_threads');
for (let made = 0; made < count; made += 1) {
  const socket = connect(port, '127.0.0.1', () => {
    Atomics.add(counts, 0, 1);
    Atomics.notify(counts, 0);
    socket.write('GET /function/echo/empty HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n');
  });
  let text = '';
  socket.on('data', (bytes) => (text += bytes));
  socket.on('error', () => Atomics.add(counts, 2, 1));
  socket.on('close', () => text.startsWith('HTTP/1.1 204 ') && Atomics.add(counts, 1, 1));
}
`;

test('a thousand that come at once while the platform is held up are all let in and answered', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port, { settings: { queueDepth: 2000 } });
  const most = process.platform === 'linux' ? Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')) : 0;
  const count = 1000;
  if (!requirement(t, most >= count, `the system lets ${most} connections wait to be accepted`)) return;
  const counts = new Int32Array(new SharedArrayBuffer(12));
  const worker = new Worker(crowd, { eval: true, workerData: { port: edge.port, count, counts } });
  const exited = once(worker, 'exit');
  const endMs = performance.now() + 10_000;
  // Nothing is accepted in this time.
  for (let seen = 0; seen < count && performance.now() < endMs; seen = Atomics.load(counts, 0)) {
    Atomics.wait(counts, 0, seen, 100);
  }
  assert.equal(counts[0], count, 'connections that were let in while nobody accepted');
  await exited;
  assert.deepEqual([counts[1], counts[2]], [count, 0]);
});
