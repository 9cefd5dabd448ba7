import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { noAsyncCalls, exchange, rawClient, startEdge } from '../../test/support/edge.ts';
import { startHttpInstance, startServer } from '../../test/support/http-instance.ts';
import { mirror } from '../../test/support/mirror.ts';
import { until } from '../../test/support/until.ts';
import { TinderboxError } from '../model/errors.ts';
import { createGateway } from './create-gateway.ts';

test('unknown functions are 404 in one line of text, also under odd names', async (t) => {
  const { port } = await startServer(t, mirror);
  const edge = await startEdge(t, port);
  for (const path of [
    'nobody',
    'echo.elsewhere',
    'ECHO',
    '',
    '..',
    'echo%2e',
    'echo.openfaas-fn.',
    '%65cho',
    'a.b.c',
  ]) {
    const answer = await exchange(
      t,
      edge.port,
      `GET /function/${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 404 /, path);
    assert.match(answer, /X-OpenFaaS-Internal: gateway\r\n/);
    assert.match(answer, /X-Call-Id: /);
    assert.match(answer, /\r\n\r\nerror finding function [^\n]*\n$/);
  }
  assert.equal((await fetch(`${edge.url}/async-function/`, { method: 'POST' })).status, 404);
});

test('a length that is known stays known, one that is not stays chunked', async (t) => {
  const { port } = await startServer(t, (request, response) => {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    request.resume().on('end', () => {
      if (request.url === '/chunked') response.write('x');
      response.end(JSON.stringify([length, encoding]));
    });
  });
  const edge = await startEdge(t, port);
  const ask = (head: string, body = ''): Promise<string> =>
    exchange(t, edge.port, `POST /function/echo${head}\r\nConnection: close\r\n\r\n${body}`);
  assert.match(
    await ask(' HTTP/1.1\r\nHost: x\r\nContent-Length: 3', 'abc'),
    /Content-Length: 10\r\n[^]*\["3",null\]|\["3"\]/,
  );
  const large = await ask(` HTTP/1.1\r\nHost: x\r\nContent-Length: 100000`, 'x'.repeat(100_000));
  assert.match(large, /\["100000",null\]/);
  const chunked = await ask('/chunked HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked', '3\r\nabc\r\n0\r\n\r\n');
  assert.match(chunked, /Transfer-Encoding: chunked/);
  assert.match(chunked, /\[null,"chunked"\]/);
});

test('answers without a body keep their framing: HEAD, 204, 304', async (t) => {
  const { port } = await startServer(t, (request, response) => {
    const status = Number(request.url?.slice(1) || 200);
    if (request.method === 'HEAD') response.setHeader('Content-Length', 1234);
    response.writeHead(status).end();
  });
  const edge = await startEdge(t, port);
  const client = await rawClient(t, edge.port);
  client.write('HEAD /function/echo HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match(await client.until('\r\n\r\n'), /content-length: 1234/i);
  client.write('GET /function/echo/204 HTTP/1.1\r\nHost: x\r\n\r\n');
  await client.until(/HTTP\/1\.1 204[^]*\r\n\r\n/);
  client.write('GET /function/echo/304 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const all = await client.closed();
  assert.match(all, /HTTP\/1\.1 304[^]*\r\n\r\n$/);
  assert.doesNotMatch(all.slice(all.indexOf('HTTP/1.1 204')), /Content-Length|chunked/);
});

test('trailers pass both ways', async (t) => {
  const { port } = await startServer(t, (request, response) => {
    response.setHeader('Trailer', 'X-Back');
    request.resume().on('end', () => {
      response.write('body');
      response.addTrailers({ 'X-Back': String(request.trailers['x-forth']) });
      response.end();
    });
  });
  const edge = await startEdge(t, port);
  const head =
    'POST /function/echo HTTP/1.1\r\nHost: x\r\nTrailer: X-Forth\r\nTransfer-Encoding: chunked\r\nConnection: close';
  const answer = await exchange(t, edge.port, `${head}\r\n\r\n3\r\nabc\r\n0\r\nX-Forth: 7\r\nHost: evil\r\n\r\n`);
  assert.match(answer, /Trailer: X-Back\r\n/);
  assert.match(answer, /0\r\nX-Back: 7\r\n\r\n$/);
});

test('a client that asks to continue is told so only when its body can be taken', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port);
  const ask = async (path: string, length: number): Promise<string> => {
    const client = await rawClient(t, edge.port);
    client.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`);
    const text = await client.until('\r\n\r\n');
    if (text.includes('100 Continue')) client.write('x'.repeat(length));
    return client.until(/HTTP\/1\.1 (?!100)\d+[^]*\r\n\r\n/);
  };
  assert.match(await ask('/function/echo/upload', 3), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/);
  assert.match(await ask('/function/nobody', 3), /^HTTP\/1\.1 404/);
  assert.match(await ask('/function/echo/upload', 2 ** 30), /^HTTP\/1\.1 413/);
});

test('events reach the client one by one, as the function writes them', async (t) => {
  let next = (): void => {};
  const { port } = await startServer(t, (_request, response) => {
    response.setHeader('Content-Type', 'text/event-stream').flushHeaders();
    next = () => void response.write('data: x\n\n');
  });
  const edge = await startEdge(t, port);
  const client = await rawClient(t, edge.port);
  client.write('GET /function/echo HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
  await client.until('text/event-stream');
  for (let count = 1; count <= 3; count += 1) {
    next();
    await until(`event ${count}`, () => client.text().split('data: x').length === count + 1);
  }
  client.socket.destroy();
  await until('the call to end', () => edge.inFlight() === 0);
});

test('large bodies stream both ways without being held', async (t) => {
  const { port } = await startServer(t, (request, response) => void request.pipe(response));
  const edge = await startEdge(t, port, { limits: { bodyBytes: 2 ** 26 } });
  const body = Buffer.alloc(20 * 2 ** 20, 'z');
  const response = await fetch(`${edge.url}/function/echo`, { method: 'POST', body });
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), body);
});

test('WebSockets pass to functions that speak them, and close from either side', async (t) => {
  const { server, port } = await startServer(t, mirror);
  const sockets = new WebSocketServer({ server });
  t.after(() => sockets.close());
  sockets.on('connection', (socket, asked) => {
    socket.send(`hello ${asked.url} ${asked.headers['x-call-id']}`);
    socket.on('message', (data: Buffer) => (data.length === 3 ? socket.close(4000) : socket.send(data)));
  });
  const edge = await startEdge(t, port);
  const connect = async (): Promise<{ socket: WebSocket; greeting: string }> => {
    const socket = new WebSocket(`ws://127.0.0.1:${edge.port}/function/echo/chat?room=1`, {
      headers: { 'X-Call-Id': 'ws-1' },
    });
    const [message] = (await once(socket, 'message')) as [Buffer];
    return { socket, greeting: message.toString() };
  };
  const { socket, greeting } = await connect();
  assert.equal(greeting, 'hello /chat?room=1 ws-1');
  const big = 'x'.repeat(300_000);
  socket.send(big);
  const [echoed] = (await once(socket, 'message')) as [Buffer];
  assert.equal(echoed.toString(), big);
  assert.equal(edge.inFlight(), 1);
  socket.send('bye');
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 4000);
  const second = await connect();
  second.socket.terminate();
  await until('both calls to end', () => edge.inFlight() === 0);
  const refused = new WebSocket(`ws://127.0.0.1:${edge.port}/function/nobody`);
  const [error] = (await once(refused, 'error')) as [Error];
  assert.match(error.message, /404/);
});

test('a function that refuses to switch answers like any other', async (t) => {
  const { port } = await startServer(t, (_request, response) => response.writeHead(418).end('teapot'));
  const edge = await startEdge(t, port);
  const head = 'GET /function/echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  const answer = await exchange(t, edge.port, head);
  assert.match(answer, /^HTTP\/1\.1 418 [^]*teapot/);
  await until('the call to end', () => edge.inFlight() === 0);
});

test("a function cannot forge the platform's headers nor smuggle framing", async (t) => {
  const { port } = await startServer(t, (_request, response) => {
    response
      .setHeader('X-OpenFaaS-Internal', 'gateway')
      .setHeader('X-Served-By', 'me')
      .setHeader('X-Call-Id', 'forged');
    response.end('ok');
  });
  const edge = await startEdge(t, port);
  const response = await fetch(`${edge.url}/function/echo`);
  assert.equal(response.headers.get('x-openfaas-internal'), null);
  assert.equal(response.headers.get('x-served-by'), 'tinderbox/1.2.3');
  assert.notEqual(response.headers.get('x-call-id'), 'forged');
  const { port: trailing } = await startServer(t, (_request, answer) => {
    answer.writeHead(200, { Trailer: 'X-Sum' });
    answer.write('ok');
    answer.addTrailers({ 'X-Sum': '1', 'X-OpenFaaS-Internal': 'gateway', 'X-Call-Id': 'forged' });
    answer.end();
  });
  const other = await startEdge(t, trailing);
  const get = 'GET /function/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  const text = await exchange(t, other.port, get);
  assert.match(text, /\r\n0\r\nX-Sum: 1\r\n\r\n$/i, 'trailers are no way around it');
});

test('what the router refuses is the first line of its reason, with its status and when to retry', async (t) => {
  const { port } = await startServer(t, mirror);
  for (const [code, status, retry] of [
    ['queue-full', 429, '2'],
    ['cannot-start', 503, '2'],
    ['lost', 502, '2'],
    ['deadline', 504, '2'],
  ] as const) {
    const error = new TinderboxError(code, 'first line\nsecond line', { retryAfterMs: 1500 });
    const edge = await startEdge(t, port, { gateway: { invoke: () => Promise.reject(error) } });
    const response = await fetch(`${edge.url}/function/echo`);
    assert.deepEqual([response.status, response.headers.get('retry-after')], [status, retry]);
    assert.equal(response.headers.get('x-openfaas-internal'), 'router');
    assert.equal(await response.text(), 'first line\n');
  }
  const broken = await startEdge(t, port, {
    gateway: { invoke: () => Promise.reject(new TypeError('secret detail')) },
  });
  const response = await fetch(`${broken.url}/function/echo`);
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /secret/);
});

test('an answer HTTP forbids becomes 502', async (t) => {
  const { port } = await startServer(t, mirror);
  for (const broken of [
    { status: 99 },
    { status: 101 },
    { status: Number.NaN },
    { headers: ['X-Bad', 'a\r\nX-Injected: 1'] },
    { headers: ['Bad Name', 'x'] },
  ]) {
    const reply = { kind: 'buffered', status: 200, headers: [], origin: 'function', body: Buffer.from('x') } as const;
    const edge = await startEdge(t, port, {
      gateway: { invoke: () => Promise.resolve({ ...reply, trailers: [], ...broken }) },
    });
    const response = await fetch(`${edge.url}/function/echo`);
    assert.equal(response.status, 502, JSON.stringify(broken));
    assert.equal(response.headers.get('x-injected'), null);
  }
});

test('HTTP/1.0 clients get an answer without chunks, ended by the close', async (t) => {
  const { port } = await startServer(t, (_request, response) => {
    response.write('one');
    response.end('two');
  });
  const edge = await startEdge(t, port);
  const answer = await exchange(t, edge.port, 'GET /function/echo HTTP/1.0\r\nHost: x\r\n\r\n');
  assert.doesNotMatch(answer, /chunked/i);
  assert.match(answer, /\r\n\r\nonetwo$/);
});

test('a port that is taken is refused with its name', async (t) => {
  const { port } = await startServer(t, mirror);
  const options = {
    config: {
      host: '127.0.0.1',
      port,
      limits: { bodyBytes: 1, headerBytes: 1024, headersTimeoutMs: 1000, stallTimeoutMs: 1000 },
    },
    version: '0',
    invoke: () => Promise.reject(new TinderboxError('internal', 'x')),
    routeExists: () => false,
    async: noAsyncCalls,
    control: () => {},
    auth: { check: () => false },
  };
  await assert.rejects(createGateway(options).listen(), {
    code: 'conflict',
    message: new RegExp(`127\\.0\\.0\\.1:${port}`),
  });
});

test('closing lets a call end, ends idle connections, and cuts off at the signal', async (t) => {
  let answer = (): void => {};
  const { port } = await startServer(t, (_request, response) => {
    answer = () => void response.end('late');
  });
  const edge = await startEdge(t, port);
  const idle = await rawClient(t, edge.port);
  idle.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  await idle.until('control GET /healthz');
  const busy = await rawClient(t, edge.port);
  busy.write('GET /function/echo HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the call to begin', () => edge.inFlight() === 1);
  const closing = edge.gateway.close(new AbortController().signal);
  await idle.closed();
  await assert.rejects(fetch(edge.url));
  answer();
  assert.match(await busy.closed(), /Connection: close\r\n[^]*late$/);
  await closing;

  const stuck = await startEdge(t, port);
  const client = request(`${stuck.url}/function/echo`).end();
  client.on('error', () => {});
  await until('the call to begin', () => stuck.inFlight() === 1);
  const abort = new AbortController();
  const cut = stuck.gateway.close(abort.signal);
  abort.abort();
  await cut;
  await until('the call to be cancelled', () => stuck.inFlight() === 0);
});
