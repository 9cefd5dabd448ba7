import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { callRuntime, FrameRuntime } from '../../../test/support/frame-runtime.ts';
import { until } from '../../../test/support/until.ts';
import type { Ready } from '../../frame/messages.ts';
import type { Transport } from '../../router/transport/transport.ts';
import { findFreePort } from './own-port.ts';

const command = [process.execPath, join(import.meta.dirname, 'main.ts')];

interface Served {
  readonly runtime: FrameRuntime;
  readonly ready: Ready;
  readonly transport: Transport;
}

/** An instance whose folder has these files. */
async function serve(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
  process?: readonly string[],
): Promise<Served> {
  const runtime = await FrameRuntime.start(t, command);
  for (const [name, text] of Object.entries(files)) runtime.write(name, text, 0o755);
  const path = `${join(globalThis.process.execPath, '..')}:/usr/bin:/bin`;
  const ready = await runtime.specialise({
    ...(process === undefined ? {} : { process }),
    env: { PATH: path, HOME: runtime.dir, ...env },
  });
  return { runtime, ready, transport: runtime.transport(t) };
}

/** Listens on the port in a variable; tells what it was asked. */
const server = `
require('node:http').createServer((q, s) => {
  if (q.url === '/die') process.exit(3);
  let bytes = 0;
  q.on('data', (b) => (bytes += b.length)).on('end', () => {
    console.log('served');
    s.writeHead(201, { 'X-Up': 'yes' }).end(q.method + ' ' + q.url + ' ' + bytes);
  });
}).listen(Number(process.env[process.argv[2]]), '127.0.0.1');
`;

test('classic inside an instance is the classic watchdog: one answer of both streams, five methods', async (t) => {
  const { transport, ready } = await serve(t, { 'fn.sh': '#!/bin/sh\necho out; echo err >&2' }, { mode: 'classic' }, [
    './fn.sh',
  ]);
  assert.deepEqual(ready, { ok: true, style: 'fork' });
  const answer = await callRuntime(transport);
  assert.deepEqual(answer.text.trim().split('\n').sort(), ['err', 'out']);
  assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
  const refused = await callRuntime(transport, { method: 'OPTIONS' });
  assert.deepEqual([refused.status, refused.headers['allow']], [405, 'GET, POST, PUT, PATCH, DELETE']);
});

test('static inside an instance serves the folder of the function', async (t) => {
  const files = { 'public/index.html': 'home', 'public/a.css': 'body {}', 'public/404.html': 'lost' };
  const { transport, ready } = await serve(t, files, { mode: 'static' });
  assert.deepEqual(ready, { ok: true, style: 'static' });
  const home = await callRuntime(transport, { method: 'GET', target: '/' });
  assert.deepEqual([home.status, home.text, home.headers['cache-control']], [200, 'home', 'no-cache']);
  const sheet = await callRuntime(transport, { method: 'GET', target: '/a.css' });
  assert.deepEqual([sheet.headers['content-type'], sheet.text], ['text/css; charset=utf-8', 'body {}']);
  const lost = await callRuntime(transport, { method: 'GET', target: '/nowhere' });
  assert.deepEqual([lost.status, lost.text], [404, 'lost']);
  const app = await serve(t, files, { mode: 'static', static_path: 'public', static_fallback: 'index.html' });
  assert.equal((await callRuntime(app.transport, { method: 'GET', target: '/users/1' })).text, 'home');
  const none = await serve(t, {}, { mode: 'static' });
  assert.match(none.ready.reason ?? '', /static_path ".*public" is not a folder/);
});

test('http inside an instance reaches a program at the port it was given, or at its own', async (t) => {
  const own = String(await findFreePort());
  for (const variable of ['PORT', 'OWN']) {
    const { transport, ready, runtime } = await serve(
      t,
      { 'server.cjs': server },
      { mode: 'http', upstream_url: `http://127.0.0.1:${own}`, OWN: own },
      ['node', 'server.cjs', variable],
    );
    assert.deepEqual(ready, { ok: true, style: 'http' });
    const answer = await callRuntime(transport, { target: '/a?b', body: Readable.from([Buffer.alloc(300_000)]) });
    assert.deepEqual([answer.status, answer.text, answer.headers['x-up']], [201, 'POST /a?b 300000', 'yes']);
    await until('its line', () => runtime.output.includes('served'));
    runtime.child.kill('SIGTERM');
    await runtime.exited;
  }
});

test('http inside an instance: a program that never comes up, or ends, ends the instance with the reason', async (t) => {
  const env = { mode: 'http', upstream_url: 'http://127.0.0.1:9' };
  const failed = await serve(t, {}, env, ['sh', '-c', 'exit 4']);
  assert.deepEqual(failed.ready, { ok: false, reason: 'it ended with exit status 4' });
  const dying = await serve(t, { 'server.cjs': server }, env, ['node', 'server.cjs', 'PORT']);
  const answer = await callRuntime(dying.transport, { target: '/die' }).catch((error: Error) => error);
  assert.ok(answer instanceof Error || answer.status === 500);
  assert.deepEqual(await dying.runtime.exited, [1, null]);
  assert.match(dying.runtime.errors, /the program of the function is gone: it ended with exit status 3/);
});

test('http inside an instance never calls a port that somebody else has', async (t) => {
  const stranger = createServer().listen(0, '127.0.0.1');
  t.after(() => stranger.close());
  await once(stranger, 'listening');
  const { port } = stranger.address() as AddressInfo;
  let calls = 0;
  stranger.on('connection', (socket) => {
    socket.on('data', () => (calls += 1));
    socket.on('error', () => undefined);
  });
  const { ready } = await serve(t, {}, { mode: 'http', upstream_url: `http://127.0.0.1:${port}` }, ['sleep', '0.5']);
  assert.deepEqual([ready.ok, calls], [false, 0]);
});

test('a mode that is none, and variables that cannot be meant, are named before any call', async (t) => {
  const { ready } = await serve(t, {}, { mode: 'afterburn' }, ['cat']);
  assert.match(ready.reason ?? '', /mode "afterburn" is not there any more/);
  const odd = await serve(t, {}, { marshal_request: 'perhaps' }, ['cat']);
  assert.match(odd.ready.reason ?? '', /marshal_request "perhaps" is neither true nor false/);
});
