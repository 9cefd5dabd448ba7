import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, rawClient, startEdge } from '../../test/support/edge.ts';
import { startHttpInstance, startServer } from '../../test/support/http-instance.ts';
import { until } from '../../test/support/until.ts';
import { execProtocol } from '../model/exec-frame.ts';

test('what is not HTTP, or would be read in two ways, is refused with 400 and closed', async (t) => {
  let reached = 0;
  const { port } = await startServer(t, (_request, response) => {
    reached += 1;
    response.end();
  });
  const edge = await startEdge(t, port);
  const post = 'POST /function/echo HTTP/1.1\r\nHost: x\r\n';
  for (const bytes of [
    'nonsense\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00',
    'GET /function/echo\r\n\r\n',
    'GET /function/echo HTTP/1.1\r\n\r\n',
    'GET /function/echo HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n',
    'GET /function/echo HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n',
    'GET /function/echo HTTP/1.1\r\nHost: x\r\n folded: 1\r\n\r\n',
    `${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${post}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`,
    `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
    `${post}Content-Length: -1\r\n\r\n`,
    `${post}Content-Length: 3, 3\r\n\r\nabc`,
    `${post}Content-Length: +3\r\n\r\nabc`,
    `${post}Content-Length: 99999999999999999999\r\n\r\n`,
    `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  ]) {
    const answer = await exchange(t, edge.port, bytes);
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/, JSON.stringify(bytes));
    assert.match(answer, /Connection: close/i);
  }
  assert.equal(reached, 0);
});

test('a request with two hosts is refused before anybody sees it', async (t) => {
  let reached = 0;
  const { port } = await startServer(t, (_request, response) => {
    reached += 1;
    response.end();
  });
  const edge = await startEdge(t, port);
  for (const path of ['/function/echo', '/async-function/echo', '/system/info', '/healthz']) {
    const twice = `GET ${path} HTTP/1.1\r\nHost: x\r\nHost: x\r\nConnection: close\r\n\r\n`;
    const answer = await exchange(t, edge.port, twice);
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/, path);
    assert.match(answer, /more than one Host header/);
  }
  assert.equal(reached, 0);
});

test('what is refused before it is read says why: no host, a body in an unknown coding, an unknown expectation', async (t) => {
  let reached = 0;
  const { port } = await startServer(t, (_request, response) => {
    reached += 1;
    response.end();
  });
  const edge = await startEdge(t, port);
  for (const path of ['/function/echo', '/async-function/echo', '/system/info']) {
    for (const [fields, status, reason] of [
      ['X: y\r\n\r\n', '400 Bad Request', 'the request has no Host header'],
      [
        'Host: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
        '501 Not Implemented',
        'Transfer-Encoding "gzip, chunked": only chunked is understood',
      ],
      [
        'Host: x\r\nExpect: 200-ok\r\nContent-Length: 0\r\n\r\n',
        '417 Expectation Failed',
        'Expect "200-ok": only 100-continue is understood',
      ],
    ] as const) {
      const answer = await exchange(t, edge.port, `POST ${path} HTTP/1.1\r\n${fields}`);
      assert.ok(answer.startsWith(`HTTP/1.1 ${status}\r\n`), answer);
      assert.ok(answer.endsWith(`\r\n\r\n${reason}\n`), answer);
      assert.match(answer, /Connection: close/i);
    }
  }
  assert.equal(reached, 0);
});

test('a switch of protocols asked for ahead of an answer is a request like any other, the last of its connection', async (t) => {
  const held: (() => void)[] = [];
  const { port } = await startServer(t, (request, response) => {
    held.push(() => response.end(`answer to ${request.url}`));
  });
  const edge = await startEdge(t, port);
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n`;
  for (const [path, protocol, answer] of [
    ['/function/echo/second', 'websocket', /200 OK[^]*answer to \/second$/],
    ['/system/exec', execProtocol, /401 Unauthorized/],
  ] as const) {
    const client = await rawClient(t, edge.port);
    client.write(`${get('/function/echo/first')}\r\n${get(path)}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
    await until('the calls to reach the function', () => held.length === (protocol === 'websocket' ? 2 : 1));
    for (const end of held.splice(0)) end();
    const text = await client.closed();
    assert.match(text, /^HTTP\/1\.1 200 OK[^]*answer to \/first/);
    assert.match(text, answer);
  }
});

test('a chunked body that breaks half-way cancels the call and never looks whole', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port);
  const client = await rawClient(t, edge.port);
  client.write('POST /function/echo/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await until('the call to begin', () => edge.inFlight() === 1);
  client.write('ZZZ\r\n');
  assert.match(await client.closed(), /^HTTP\/1\.1 400 /);
  await until('the call to end', () => edge.inFlight() === 0);
});

test('a head over the limit is 431, one that does not arrive in time is 408', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port, { limits: { headerBytes: 8192, headersTimeoutMs: 200 } });
  const long = await exchange(t, edge.port, `GET /function/echo HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(9000)}\r\n\r\n`);
  assert.match(long, /^HTTP\/1\.1 431 /);
  assert.match(long, /\r\n\r\nthe request head is larger than the limit of 8192 bytes\n$/);
  assert.match(await exchange(t, edge.port, `GET /${'y'.repeat(9000)} HTTP/1.1\r\n`), /^HTTP\/1\.1 431 /);
  const slow = await rawClient(t, edge.port);
  slow.write('GET /function/echo HTTP/1.1\r\nHost: x\r\n');
  assert.match(await slow.closed(), /^HTTP\/1\.1 408 [^]*the request head did not arrive within 200 ms\n$/);
});

test('what is no HTTP is told in the words of the parser', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port);
  for (const [lines, reason] of [
    ['X: a\x01b', 'invalid header value char'],
    ['bad name: 1', 'invalid header token'],
    ['Content-Length: 1\r\nContent-Length: 2', 'duplicate Content-Length'],
  ] as const) {
    const answer = await exchange(t, edge.port, `GET /function/echo HTTP/1.1\r\nHost: x\r\n${lines}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.ok(answer.endsWith(`\r\n\r\nthe request is not valid HTTP: ${reason}\n`), answer);
  }
});

test('headers within the limit all arrive, however many they are', async (t) => {
  const { port, server } = await startServer(t, (request, response) => {
    response.end(String(request.rawHeaders.length / 2));
  });
  server.maxHeadersCount = 0;
  const edge = await startEdge(t, port);
  const many = Array.from({ length: 1200 }, () => 'A:').join('\r\n');
  const answer = await exchange(
    t,
    edge.port,
    `GET /function/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${many}\r\n\r\n`,
  );
  assert.ok(Number(answer.split('\r\n\r\n')[1]) > 1200, answer.slice(0, 300));
});

test('a body over the limit is 413: announced, or noticed on the way', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port, { limits: { bodyBytes: 100_000 } });
  const announced = await rawClient(t, edge.port);
  announced.write('POST /function/echo/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n');
  assert.match(await announced.until('limit of 100000 bytes'), /^HTTP\/1\.1 413 /);
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  const chunked = await rawClient(t, edge.port);
  chunked.write('POST /function/echo/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let count = 0; count < 10; count += 1) chunked.write(chunk);
  assert.match(await chunked.until('limit of 100000 bytes'), /^HTTP\/1\.1 413 /);
  await until('the call to end', () => edge.inFlight() === 0);
  // The rest is read and dropped, so that the connection can go on.
  chunked.write('0\r\n\r\nGET /function/echo/empty HTTP/1.1\r\nHost: x\r\n\r\n');
  await chunked.until('HTTP/1.1 204');
});

test('a client that stalls in its body gets 408 and its slot is freed, whether the body is small or large', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port, { limits: { stallTimeoutMs: 100 } });
  for (const length of [10, 1_000_000]) {
    const client = await rawClient(t, edge.port);
    client.write(`POST /function/echo/upload HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\nhalf`);
    assert.match(await client.until('no progress'), /^HTTP\/1\.1 408 /);
    await until('the call to end', () => edge.inFlight() === 0);
    await client.closed();
  }
});

test('a client that is slow but moves is served', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port, { limits: { stallTimeoutMs: 200 } });
  const client = await rawClient(t, edge.port);
  client.write('POST /function/echo/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n');
  for (let sent = 0; sent < 70_000; sent += 7000) {
    client.write('x'.repeat(7000));
    await new Promise((done) => setTimeout(done, 40));
  }
  await client.until(/HTTP\/1\.1 200[^]*70000$/);
});

test('a client that sends its whole large body to a function without room reads why and goes on', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port, { settings: { queueDepth: 0, concurrency: 1 } });
  const holder = await rawClient(t, edge.port);
  holder.write('GET /function/echo/never HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the only slot to be taken', () => edge.inFlight() === 1);
  const client = await rawClient(t, edge.port);
  const length = 2 ** 20;
  client.write(`POST /function/echo/upload HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
  await client.until(/HTTP\/1\.1 429 [^]*calls waiting/);
  client.write('x'.repeat(length));
  client.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  await client.until('control GET /healthz');
});

test('a client that does not read its answer is cut off, and the function learns of it', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port, { limits: { stallTimeoutMs: 200 } });
  const client = await rawClient(t, edge.port);
  client.write('GET /function/echo/flood HTTP/1.1\r\nHost: x\r\n\r\n');
  await client.until('HTTP/1.1 200');
  client.socket.pause();
  await until('the call to end', () => edge.inFlight() === 0);
});

test('a function that thinks longer than the stall limit is not a stalled client', async (t) => {
  const { port } = await startServer(t, (_request, response) => void setTimeout(() => response.end('slow'), 400));
  const edge = await startEdge(t, port, { limits: { stallTimeoutMs: 50 } });
  assert.equal(await (await fetch(`${edge.url}/function/echo`)).text(), 'slow');
});

test('a client that leaves cancels its call: before, during and after its body', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port);
  for (const bytes of [
    'GET /function/echo/never HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /function/echo/ticks HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /function/echo/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf',
    'POST /function/echo/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
  ]) {
    const client = await rawClient(t, edge.port);
    client.write(bytes);
    await until('the call to begin', () => edge.inFlight() === 1);
    if (bytes.includes('ticks')) await client.until('tick');
    client.socket.resetAndDestroy();
    await until(`the call to end: ${bytes.slice(0, 30)}`, () => edge.inFlight() === 0);
  }
  const small = await rawClient(t, edge.port);
  small.write('POST /function/echo/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
  small.socket.resetAndDestroy();
  assert.equal(await (await fetch(`${edge.url}/function/echo/upload`, { method: 'POST', body: 'abc' })).text(), '3');
});

test('a function that breaks off in its answer breaks the answer off, and never makes it look whole', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port);
  await assert.rejects(fetch(`${edge.url}/function/echo/die-midway`).then((response) => response.text()));
  const lost = await fetch(`${edge.url}/function/echo/die-before`);
  assert.deepEqual([lost.status, lost.headers.get('x-openfaas-internal')], [502, 'router']);
});

test('a function that ignores its deadline: 504 now, and the slot is free for the next', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port, { settings: { timeoutMs: 100, concurrency: 1 } });
  const late = await fetch(`${edge.url}/function/echo/never`);
  assert.deepEqual([late.status, late.headers.get('x-openfaas-internal')], [504, 'router']);
  const next = await fetch(`${edge.url}/function/echo/upload`, { method: 'POST', body: 'abc' });
  assert.equal(await next.text(), '3');
  await assert.rejects(fetch(`${edge.url}/function/echo/ticks`).then((response) => response.text()));
});

test('requests in a row on one connection are answered in order', async (t) => {
  const { port } = await startServer(t, (request, response) => {
    setTimeout(() => response.end(`<${request.url}>`), request.url === '/1' ? 50 : 0);
  });
  const edge = await startEdge(t, port);
  const client = await rawClient(t, edge.port);
  const one = (index: number): string => `GET /function/echo/${index} HTTP/1.1\r\nHost: x\r\n\r\n`;
  client.write(one(1) + one(2) + one(3));
  const text = await client.until('</3>');
  assert.deepEqual(text.match(/<\/\d>/g), ['</1>', '</2>', '</3>']);
});

test('connections over the limit are closed on arrival, and the others go on', async (t) => {
  const { port } = await startHttpInstance(t);
  const edge = await startEdge(t, port, { gateway: { maxConnections: 2 } });
  const [first, second] = [await rawClient(t, edge.port), await rawClient(t, edge.port)];
  for (const client of [first, second]) {
    client.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until('control');
  }
  await (await rawClient(t, edge.port)).closed();
  first.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await first.closed();
});

test('an answer before the whole request came reaches the client', async (t) => {
  const { port } = await startServer(t, (_request, response) => response.writeHead(403).end('no'));
  const edge = await startEdge(t, port);
  const response = await fetch(`${edge.url}/function/echo`, { method: 'POST', body: Buffer.alloc(4 * 2 ** 20) });
  assert.deepEqual([response.status, await response.text()], [403, 'no']);
  const unknown = await fetch(`${edge.url}/function/nobody`, { method: 'POST', body: Buffer.alloc(4 * 2 ** 20) });
  assert.equal(unknown.status, 404);
});
