import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';

async function gatewayOf(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function start(t: TestContext, words: readonly string[], gateway: string): ChildProcessWithoutNullStreams {
  const cwd = tempDir(t);
  const env = { PATH: process.env['PATH'], HOME: cwd, OPENFAAS_URL: gateway };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...words], { cwd, env });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

test('an interrupt ends a call whose input and answer go on, with 130 and without a word', async (t) => {
  const arrived = Promise.withResolvers<void>();
  const gateway = await gatewayOf(t, (request) => request.once('data', () => arrived.resolve()));
  const child = start(t, ['invoke', 'hello'], gateway);
  child.stdin.write('first');
  await arrived.promise;
  child.kill('SIGINT');
  const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
  assert.deepEqual([code, stderr], [130, '']);
});

test('a command ends when it has its answer, although its input goes on', async (t) => {
  const gateway = await gatewayOf(t, (request, response) => {
    request.once('data', () => response.end('enough'));
  });
  const child = start(t, ['invoke', 'hello'], gateway);
  child.stdin.write('first');
  const [[code], stdout] = await Promise.all([once(child, 'exit'), text(child.stdout)]);
  assert.deepEqual([code, stdout], [0, 'enough']);
});

test('a reader that leaves early is no failure', async (t) => {
  const gateway = await gatewayOf(t, (_, response) => response.end('x'.repeat(4 * 2 ** 20)));
  const child = start(t, ['invoke', 'hello'], gateway);
  child.stdin.end();
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
  assert.deepEqual([code, stderr], [0, '']);
});

test('what is told beside the answer may go unread', async (t) => {
  const gateway = await gatewayOf(
    t,
    (request, response) => void request.resume().on('end', () => response.writeHead(202).end()),
  );
  const child = start(t, ['invoke', 'hello', '--async'], gateway);
  child.stderr.destroy();
  child.stdin.end();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});
