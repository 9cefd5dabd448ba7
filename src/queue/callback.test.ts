import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Cancel } from '../model/cancel.ts';
import { attemptCallback, type CallbackAttempt } from './callback.ts';
import { testJob } from './conformance.ts';

/** Posts to a receiver that does what `behave` says once it was spoken to. */
async function postTo(t: TestContext, behave: (socket: Socket) => void): Promise<CallbackAttempt> {
  const server = createServer((socket) => {
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.once('data', () => behave(socket));
  });
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const context = { isAllowed: () => true, timeoutMs: 60_000, agent: 'test', now: Date.now };
  const job = { ...testJob('one.callback'), attempt: 1 };
  return await attemptCallback(job, { kind: 'callback', url, headers: [] }, context, new Cancel());
}

/** Writes as long as somebody reads. */
function flood(socket: Socket, text: string): void {
  socket.once('drain', () => flood(socket, text));
  while (!socket.destroyed && socket.write(text));
}

test('a receiver that switches protocols has not answered', { timeout: 10_000 }, async (t) => {
  const switches = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
  const attempt = await postTo(t, (socket) => socket.write(switches));
  assert.deepEqual([attempt.status, attempt.origin], [502, 'gateway']);
});

test('a receiver that only says that it is at work has not answered', { timeout: 10_000 }, async (t) => {
  const attempt = await postTo(t, (socket) => flood(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n'));
  assert.deepEqual([attempt.status, attempt.origin], [502, 'gateway']);
});

test('the head of an answer is the receipt, also where its body never ends or breaks off', {
  timeout: 10_000,
}, async (t) => {
  const endless = await postTo(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    flood(socket, 'x'.repeat(10_000));
  });
  assert.deepEqual([endless.status, endless.origin], [200, 'function']);
  const broken = await postTo(t, (socket) => socket.end('HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\nx'));
  assert.deepEqual([broken.status, broken.origin], [204, 'function']);
  const short = await postTo(t, (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx'));
  assert.deepEqual([short.status, short.origin], [200, 'function']);
});
