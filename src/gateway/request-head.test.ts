import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, startEdge } from '../../test/support/edge.ts';
import { startServer } from '../../test/support/http-instance.ts';
import { type Mirrored, mirror, valueOf } from '../../test/support/mirror.ts';

test('every method, the rest of the path and the query reach the function unchanged', async (t) => {
  const { port } = await startServer(t, mirror);
  const edge = await startEdge(t, port);
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY']) {
    const response = await fetch(`${edge.url}/function/echo/a%2Fb//c?x=%20&x=1`, { method });
    assert.equal(response.status, 200);
    const seen = (await response.json()) as Mirrored;
    assert.deepEqual([seen.method, seen.url], [method, '/a%2Fb//c?x=%20&x=1']);
  }
});

test('the function gets call id, start time and where the call came from; the client gets the same id', async (t) => {
  const { port } = await startServer(t, mirror);
  const edge = await startEdge(t, port);
  const response = await fetch(`${edge.url}/function/echo.openfaas-fn`);
  const { rawHeaders } = (await response.json()) as Mirrored;
  assert.match(response.headers.get('x-call-id') ?? '', /^[0-9a-f-]{36}$/);
  assert.equal(valueOf(rawHeaders, 'x-call-id'), response.headers.get('x-call-id'));
  assert.match(response.headers.get('x-start-time') ?? '', /^\d{19}$/);
  assert.equal(valueOf(rawHeaders, 'x-start-time'), response.headers.get('x-start-time'));
  assert.equal(response.headers.get('x-served-by'), 'tinderbox/1.2.3');
  assert.equal(valueOf(rawHeaders, 'x-forwarded-host'), `127.0.0.1:${edge.port}`);
  assert.equal(valueOf(rawHeaders, 'host'), `127.0.0.1:${edge.port}`);
  assert.match(valueOf(rawHeaders, 'x-forwarded-for') ?? '', /^127\.0\.0\.1:\d+$/);
  assert.equal(valueOf(rawHeaders, 'x-forwarded-proto'), 'http');
});

test('a usable call id of the client is kept, any other replaced; forwarding headers of a proxy are kept', async (t) => {
  const { port } = await startServer(t, mirror);
  const edge = await startEdge(t, port);
  const kept = await fetch(`${edge.url}/function/echo`, {
    headers: { 'X-Call-Id': 'order-17', 'X-Forwarded-For': '10.0.0.1', 'X-Forwarded-Proto': 'https' },
  });
  const { rawHeaders } = (await kept.json()) as Mirrored;
  assert.equal(kept.headers.get('x-call-id'), 'order-17');
  assert.equal(valueOf(rawHeaders, 'x-call-id'), 'order-17');
  assert.equal(valueOf(rawHeaders, 'x-forwarded-for'), '10.0.0.1');
  assert.equal(valueOf(rawHeaders, 'x-forwarded-proto'), 'https');
  for (const bad of ['a b', 'x'.repeat(65), '"']) {
    const replaced = await fetch(`${edge.url}/function/echo`, { headers: { 'X-Call-Id': bad } });
    assert.match(replaced.headers.get('x-call-id') ?? '', /^[0-9a-f-]{36}$/);
    assert.ok(!(await replaced.text()).includes(JSON.stringify(bad)));
  }
});

test('headers of one hop and those named by Connection end here; cookies and foreign credentials pass', async (t) => {
  const { port } = await startServer(t, mirror);
  const edge = await startEdge(t, port);
  const head = [
    'GET /function/echo HTTP/1.1',
    'Host: x',
    'Connection: close, X-Private',
    'X-Private: 1',
    'Keep-Alive: timeout=5',
    'TE: trailers',
    'Proxy-Authorization: Basic eDp5',
    'Upgrade: h2c',
    'Cookie: a=1',
    'Authorization: Bearer abc',
    'X-Dup: 1',
    'X-Dup: 2',
  ];
  const answer = await exchange(t, edge.port, `${head.join('\r\n')}\r\n\r\n`);
  const { rawHeaders } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Mirrored;
  for (const name of ['x-private', 'te', 'proxy-authorization', 'upgrade'])
    assert.equal(valueOf(rawHeaders, name), undefined, name);
  assert.equal(valueOf(rawHeaders, 'cookie'), 'a=1');
  assert.equal(valueOf(rawHeaders, 'authorization'), 'Bearer abc');
  assert.deepEqual(
    rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === 'x-dup'),
    ['1', '2'],
  );
});

test('what a request is framed by is not taken away by naming it in Connection', async (t) => {
  const { port } = await startServer(t, (request, response) => {
    response.setHeader('X-Host', String(request.headers.host));
    request.pipe(response);
  });
  const edge = await startEdge(t, port);
  const post =
    'POST /function/echo HTTP/1.1\r\nHost: x\r\nConnection: close, Host, content-length, Transfer-Encoding\r\n';
  for (const rest of ['Content-Length: 5\r\n\r\nhello', 'Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n']) {
    const answer = await exchange(t, edge.port, post + rest);
    assert.match(answer, /^HTTP\/1\.1 200 OK/);
    assert.match(answer, /hello/);
    assert.match(answer, /X-Host: x\r\n/i);
  }
});

test("the platform's own credential never reaches a function", async (t) => {
  const { port } = await startServer(t, mirror);
  const edge = await startEdge(t, port);
  const authorization = `Basic ${Buffer.from('admin:secret').toString('base64')}`;
  const mine = await fetch(`${edge.url}/function/echo`, { headers: { authorization } });
  assert.equal(valueOf(((await mine.json()) as Mirrored).rawHeaders, 'authorization'), undefined);
  const other = await fetch(`${edge.url}/function/echo`, { headers: { authorization: 'Basic eDp5' } });
  assert.equal(valueOf(((await other.json()) as Mirrored).rawHeaders, 'authorization'), 'Basic eDp5');
});
