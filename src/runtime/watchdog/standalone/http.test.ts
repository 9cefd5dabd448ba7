import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { covers } from '../../../../test/support/covers.ts';
import { type ServedWatchdog, serveWatchdog } from '../../../../test/support/standalone-watchdog.ts';
import { until } from '../../../../test/support/until.ts';
import { findFreePort } from '../own-port.ts';

/** A server that tells what it was asked, and does odd things where its path says so. */
const program = `
const { createServer } = require('node:http');
const { appendFileSync, writeFileSync } = require('node:fs');
const server = createServer((q, s) => {
  const path = new URL(q.url, 'http://x').pathname;
  if (path === '/die') process.exit(7);
  if (path === '/clean') process.exit(0);
  if (path === '/drop') { appendFileSync('dropped', q.method + ' '); return void q.socket.destroy(); }
  if (path === '/slow') return void q.socket.on('close', () => writeFileSync('left', ''));
  if (path === '/garbage') return void q.socket.end('what is this\\r\\n\\r\\n');
  if (path === '/cut') { s.writeHead(200, { 'Content-Length': 10 }); s.write('some'); return void setTimeout(() => q.socket.destroy(), 50); }
  if (path === '/drip') { s.write('one\\n'); return void q.on('data', (b) => s.end(b)); }
  if (path === '/status') { s.writeHead(418, 'Teapot', [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'], ['X-Up', 'yes']]); return void s.end('short and stout'); }
  if (path === '/wait') { writeFileSync('waiting', ''); return void setTimeout(() => s.end('waited'), 400); }
  if (path === '/ready') { s.statusCode = 207; return void s.end(); }
  const chunks = [];
  q.on('data', (b) => chunks.push(b)).on('end', () =>
    s.end(JSON.stringify({ method: q.method, url: q.url, headers: q.headers, bytes: Buffer.concat(chunks).length })));
});
server.on('upgrade', (q, socket) => {
  const key = require('node:crypto').createHash('sha1').update(q.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + key + '\\r\\n\\r\\n');
  socket.write(Buffer.from([0x81, 2, 0x68, 0x69]));
});
setTimeout(() => server.listen(Number(process.env.UP_PORT), '127.0.0.1'), Number(process.env.START_MS ?? 0));
process.on('SIGTERM', () => { writeFileSync('stopped', ''); server.close(() => process.exit(0)); server.closeIdleConnections(); });
console.log('out line');
console.error('err line');
`;

async function serve(t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<ServedWatchdog> {
  const port = await findFreePort();
  return await serveWatchdog(t, `cat > program.cjs <<'E'\n${program}\nE\nexec node program.cjs`, {
    mode: 'http',
    upstream_url: `http://127.0.0.1:${port}`,
    UP_PORT: String(port),
    ...env,
  });
}

interface Told {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly bytes: number;
}

test('http: the request goes on as it is, and the answer comes back as it is', async (t) => {
  covers('variable', 'of-watchdog upstream_url');
  const { url, watchdog, stderr, stdout } = await serve(t);
  const response = await fetch(`${url}/a%20b?x=1`, {
    method: 'PUT',
    body: 'hello',
    headers: { 'X-One': '1', 'X-Call-Id': 'c-1' },
  });
  const told = (await response.json()) as Told;
  assert.deepEqual([told.method, told.url, told.bytes], ['PUT', '/a%20b?x=1', 5]);
  const { host, 'x-one': one, 'content-length': length, 'x-call-id': id } = told.headers;
  assert.deepEqual([host, one, length, id], [`127.0.0.1:${watchdog.port}`, '1', '5', 'c-1']);
  assert.match(response.headers.get('x-duration-seconds') ?? '', /^\d+\.\d{6}$/);
  const odd = await fetch(`${url}/status`);
  assert.deepEqual(
    [odd.status, odd.headers.getSetCookie(), await odd.text()],
    [418, ['a=1', 'b=2'], 'short and stout'],
  );
  await until('the log', () => / PUT \/a%20b\?x=1 - 200 OK - ContentLength: \d+B \(\d\.\d{4}s\)\n/.test(stderr()));
  await until('lines', () => / stdout: out line\n/.test(stdout()) && / stderr: err line\n/.test(stderr()));
});

test('http: the address of the program may have its later name', async (t) => {
  covers('variable', 'of-watchdog http_upstream_url');
  const port = await findFreePort();
  const { url } = await serve(t, {
    UP_PORT: String(port),
    upstream_url: '',
    http_upstream_url: `http://127.0.0.1:${port}`,
  });
  assert.equal(((await (await fetch(`${url}/x`)).json()) as Told).url, '/x');
});

test('http: calls that come before the program is up wait for it', async (t) => {
  const { url } = await serve(t, { START_MS: '400', buffer_http: '1' });
  assert.equal((await fetch(`${url}/_/ready`)).status, 503);
  const told = (await (await fetch(url, { method: 'POST', body: 'x'.repeat(200_000) })).json()) as Told;
  assert.equal(told.bytes, 200_000);
  assert.equal((await fetch(`${url}/_/ready`)).status, 200);
});

test('http: bodies stream both ways, with no more in memory than their windows', async (t) => {
  const { url } = await serve(t);
  const sent = request(`${url}/drip`, { method: 'POST' });
  const answered = new Promise<IncomingMessage>((resolve) => sent.on('response', resolve));
  sent.flushHeaders();
  const answer = await answered;
  let text = '';
  answer.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await until('the first line', () => text === 'one\n');
  sent.end('two\n');
  await until('the second', () => text === 'one\ntwo\n');
  const body = new Blob([new Uint8Array(5_000_000)]).stream();
  const told = (await (await fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit)).json()) as Told;
  assert.deepEqual([told.bytes, told.headers['transfer-encoding']], [5_000_000, 'chunked']);
});

test('http: buffer_http, or http_buffer_req_body, tells the program the length of every body', async (t) => {
  covers('variable', 'of-watchdog buffer_http', 'of-watchdog http_buffer_req_body');
  const { url } = await serve(t, { http_buffer_req_body: 'true' });
  const body = new Blob([new Uint8Array(300_000)]).stream();
  const told = (await (await fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit)).json()) as Told;
  const { 'transfer-encoding': encoding, 'content-length': length } = told.headers;
  assert.deepEqual([told.bytes, length, encoding], [300_000, '300000', undefined]);
});

test('http: exec_timeout and X-Timeout are 504, and the program hears that nobody waits', async (t) => {
  const { url, dir } = await serve(t, { exec_timeout: '5s' });
  await fetch(url);
  const late = await fetch(`${url}/slow`, { headers: { 'X-Timeout': '100ms' } });
  assert.deepEqual([late.status, late.headers.get('x-openfaas-internal')], [504, 'of-watchdog']);
  assert.equal(await late.text(), 'the function did not answer within 0.1s\n');
  await until('the program heard', () => existsSync(join(dir, 'left')));
  const short = await serve(t, { exec_timeout: '50ms', START_MS: '3000' });
  assert.equal((await fetch(short.url)).status, 504);
});

test('http: an answer that is none is 500, one that breaks off is broken off', async (t) => {
  const { url, stderr } = await serve(t);
  const garbage = await fetch(`${url}/garbage`);
  assert.deepEqual([garbage.status, garbage.headers.get('x-openfaas-internal')], [500, 'of-watchdog']);
  await until('the log', () => /Upstream HTTP request error: a first line that is no status line/.test(stderr()));
  await assert.rejects(fetch(`${url}/cut`).then((response) => response.text()));
  assert.equal((await fetch(url)).status, 200);
});

test('http: a call whose connection was dropped runs once more only where it changes nothing', async (t) => {
  const { url, dir } = await serve(t);
  for (const method of ['POST', 'DELETE', 'GET']) {
    // The next call goes over the same connection.
    assert.equal((await fetch(url, { method })).status, 200);
    assert.equal((await fetch(`${url}/drop`, { method })).status, 500);
  }
  assert.equal(readFileSync(join(dir, 'dropped'), 'utf8'), 'POST DELETE GET GET ');
});

test('http: a program that ends by itself, whatever its status, is the end of the watchdog', async (t) => {
  for (const [path, status] of [
    ['/die', 7],
    ['/clean', 0],
  ] as const) {
    const { url, watchdog } = await serve(t);
    assert.equal((await fetch(url + path)).status, 500);
    assert.match(await watchdog.failed, new RegExp(`ended with exit status ${status}`));
  }
});

test('http: an address somebody else listens on is refused, instead of being answered by a stranger', async (t) => {
  const stranger = createServer().listen(0, '127.0.0.1');
  t.after(() => stranger.close());
  await until('it listens', () => stranger.listening);
  const { port } = stranger.address() as { port: number };
  const { watchdog } = await serve(t, { upstream_url: `http://127.0.0.1:${port}` });
  assert.match(await watchdog.failed, /another program listens on 127\.0\.0\.1:\d+ already/);
});

test('http: a connection that becomes a WebSocket is handed through', async (t) => {
  const { url } = await serve(t);
  await fetch(url);
  const socket = new WebSocket(url.replace('http', 'ws'));
  const message = await new Promise<string>((resolve, reject) => {
    socket.on('message', (data: Buffer) => resolve(data.toString()));
    socket.on('error', reject);
  });
  assert.equal(message, 'hi');
  socket.terminate();
});

test('http: ready_path asks the program', async (t) => {
  const { url, metrics } = await serve(t, { ready_path: '/ready' });
  await until('it is up', async () => (await fetch(`${url}/_/ready`)).status === 207);
  assert.match(await metrics(), /^http_requests_in_flight 0$/m);
  assert.doesNotMatch(await metrics(), /http_requests_total\{/);
});

test('http: a stop finishes the calls that run, and only then ends the program', async (t) => {
  const { url, dir, watchdog } = await serve(t, { healthcheck_interval: '300ms' });
  await fetch(url);
  const waiting = fetch(`${url}/wait`);
  await until('it runs', () => existsSync(join(dir, 'waiting')));
  const stopped = watchdog.stop(new AbortController().signal);
  assert.equal((await fetch(`${url}/_/health`)).status, 503);
  const during = await fetch(url);
  assert.deepEqual([during.status, during.headers.get('connection')], [200, 'close']);
  assert.ok(!existsSync(join(dir, 'stopped')));
  assert.equal(await (await waiting).text(), 'waited');
  assert.equal(await stopped, 0);
  assert.equal(readFileSync(join(dir, 'stopped'), 'utf8'), '');
  await assert.rejects(fetch(url));
});

test('http: upstream_url that is missing or no address, and odd modes, are refused by name', async (t) => {
  const refused = (env: Record<string, string>): Promise<unknown> => serveWatchdog(t, 'cat', env);
  await assert.rejects(refused({ mode: 'http' }), { code: 'config', message: /upstream_url is not set/ });
  await assert.rejects(refused({ mode: 'http', upstream_url: 'https://x' }), { message: /upstream_url "https:\/\/x"/ });
  await assert.rejects(refused({ mode: 'afterburn' }), { message: /"afterburn".*mode "http"/ });
  await assert.rejects(refused({ mode: 'inproc' }), { message: /"inproc".*only for Go programs/ });
  await assert.rejects(refused({ mode: 'turbo' }), { message: /"turbo" is not one of classic, streaming/ });
});
