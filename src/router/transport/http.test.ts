import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { startHttpInstance, startServer } from '../../../test/support/http-instance.ts';
import type { TinderboxError } from '../../model/errors.ts';
import type { StreamingReply, UpgradedReply } from '../../model/invocation.ts';
import { bodyOf, callOf, trailersConform, transportConformance } from './conformance.ts';
import { createHttpTransport } from './http.ts';
import { isUnsent } from './unsent.ts';

const isInstance = (): Promise<boolean> => Promise.resolve(true);

transportConformance('http', async (t) => {
  const { port } = await startHttpInstance(t);
  return {
    transport: createHttpTransport({ host: '127.0.0.1', port, isInstance }),
    unreachable: createHttpTransport({ host: '127.0.0.1', port: 1, isInstance }),
  };
});

trailersConform('http', async (t) => {
  const { port } = await startHttpInstance(t);
  return createHttpTransport({ host: '127.0.0.1', port, isInstance });
});

/** A server that answers whatever it is asked with these bytes, and what it was asked. */
async function startRaw(t: TestContext, answer: string): Promise<{ port: number; asked: () => string }> {
  let asked = '';
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      asked += bytes.toString('latin1');
      if (asked.includes('\r\n\r\n')) socket.write(answer, 'latin1');
    });
    t.after(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, asked: () => asked };
}

async function send(t: TestContext, port: number, call = callOf('/')) {
  const transport = createHttpTransport({ host: '127.0.0.1', port, isInstance });
  t.after(() => transport.close());
  return transport.send(call, undefined);
}

test('hop-by-hop headers, those named by Connection, and a forged platform mark do not pass', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n';
  const { port } = await startRaw(
    t,
    `${head}X-OpenFaaS-Internal: gateway\r\nX-Public: 2\r\nContent-Length: 2\r\n\r\nok`,
  );
  const { reply } = await send(t, port);
  assert.deepEqual(reply.headers, ['x-public', '2']);
});

test('a HEAD answer keeps the length it describes', async (t) => {
  const { port } = await startRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n');
  const { reply } = await send(t, port, callOf('/', { method: 'HEAD' }));
  assert.deepEqual([reply.kind, reply.headers], ['buffered', ['content-length', '1234']]);
});

test('an interim answer is not the answer', async (t) => {
  const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
  const { port } = await startRaw(t, `${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
  const { reply } = await send(t, port);
  assert.deepEqual([reply.status, (await bodyOf(reply)).toString()], [200, 'ok']);
});

test('what is not HTTP, a head without end, and an unasked switch of protocols are refused', async (t) => {
  const endless = `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\n`;
  for (const [answer, code] of [
    ['SSH-2.0-OpenSSH\r\n\r\n', 'bad-reply'],
    ['HTTP/1.1 200 OK\r\nBad Header: 1\r\n\r\n', 'bad-reply'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'bad-reply'],
    [endless, 'bad-reply'],
    ['HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 'lost'],
  ] as const) {
    const { port } = await startRaw(t, answer);
    await assert.rejects(send(t, port), { code }, answer.slice(0, 40));
  }
});

test('an answer shorter than announced breaks off', async (t) => {
  const { server, port } = await startServer(t, (_request, response) => {
    response.writeHead(200, { 'Content-Length': 200_000 });
    response.write('short', () => response.destroy());
  });
  assert.ok(server.listening);
  const { reply } = await send(t, port);
  await assert.rejects(bodyOf(reply), /middle|before|length/i);
});

test('framing of requests: no body, a known length, an unknown length', async (t) => {
  const cases = [
    [callOf('/'), /^GET \/ HTTP\/1\.1\r\n(?!.*(content-length|transfer-encoding))/is],
    [callOf('/', { method: 'POST', body: Buffer.from('abc') }), /content-length: 3\r\n/i],
    [
      callOf('/', { method: 'POST', body: Readable.from([Buffer.from('abc')]), contentLength: 3 }),
      /content-length: 3\r\n/i,
    ],
    [callOf('/', { method: 'POST', body: Readable.from([Buffer.from('abc')]) }), /transfer-encoding: chunked\r\n/i],
    [callOf('/', { method: 'POST' }), /content-length: 0\r\n/i],
  ] as const;
  for (const [call, expected] of cases) {
    const { port, asked } = await startRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    await send(t, port, call);
    assert.match(asked(), expected);
    assert.equal(asked().match(/content-length/gi)?.length ?? 0, expected.source.includes('content-length: ') ? 1 : 0);
  }
});

test('trailers of a request pass', async (t) => {
  const { port } = await startServer(t, (request, response) => {
    request.resume().on('end', () => response.end(JSON.stringify(request.trailers)));
  });
  const body = Readable.from([Buffer.from('abc')]);
  const { reply, done } = await send(t, port, callOf('/', { method: 'POST', body, trailers: () => ['X-Sum', '7'] }));
  assert.deepEqual(JSON.parse((await bodyOf(reply)).toString()), { 'x-sum': '7' });
  await done;
});

test('a switch of protocols becomes a tunnel; closing either side ends it', async (t) => {
  const { server, port } = await startServer(t, () => {});
  server.on('upgrade', (request, socket, head: Buffer) => {
    assert.equal(request.headers['sec-websocket-key'], 'abc');
    socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Own: 1\r\n\r\nhello');
    socket.unshift(head);
    socket.pipe(socket);
  });
  const headers = ['Host', 'x', 'Sec-WebSocket-Key', 'abc'];
  const { reply, done } = await send(t, port, callOf('/ws', { upgrade: true, headers }));
  assert.deepEqual([reply.kind, reply.status, reply.headers], ['upgraded', 101, ['X-Own', '1']]);
  const { socket } = reply as UpgradedReply;
  const [first] = (await once(socket, 'data')) as [Buffer];
  assert.equal(first.toString(), 'hello');
  socket.write('ping');
  const [second] = (await once(socket, 'data')) as [Buffer];
  assert.equal(second.toString(), 'ping');
  socket.destroy();
  await done;
});

test('a refused switch of protocols is an ordinary answer', async (t) => {
  const { port } = await startServer(t, (_request, response) => response.writeHead(403).end('no'));
  const { reply } = await send(t, port, callOf('/ws', { upgrade: true }));
  assert.deepEqual([reply.kind, reply.status], ['streaming', 403]);
  assert.equal((await bodyOf(reply as StreamingReply)).toString(), 'no');
});

test('nothing is sent to who accepts at the address but is not the instance, and the call may go elsewhere', async (t) => {
  const { port, asked } = await startRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const transport = createHttpTransport({ host: '127.0.0.1', port, isInstance: () => Promise.resolve(false) });
  t.after(() => transport.close());
  const upgrade = callOf('/ws', { upgrade: true });
  const summed = callOf('/', {
    method: 'POST',
    body: Readable.from([Buffer.from('abc')]),
    trailers: () => ['X-Sum', '7'],
  });
  for (const call of [callOf('/'), upgrade, summed]) {
    await assert.rejects(
      transport.send(call, undefined),
      (error: TinderboxError) => error.code === 'lost' && isUnsent(error),
    );
  }
  assert.equal(asked(), '');
});

test('an instance is asked once per connection, not once per call', async (t) => {
  const { port } = await startHttpInstance(t);
  let asked = 0;
  const transport = createHttpTransport({
    host: '127.0.0.1',
    port,
    isInstance: async () => {
      asked += 1;
      return true;
    },
  });
  t.after(() => transport.close());
  for (let call = 0; call < 3; call += 1) {
    const { reply, done } = await transport.send(callOf('/echo'), undefined);
    await bodyOf(reply);
    await done;
  }
  assert.equal(asked, 1);
});
