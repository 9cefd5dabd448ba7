import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { callOf, readAnswer } from '../../../test/support/node-runtime.ts';
import { placeOf } from '../../../test/support/place-of.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { until } from '../../../test/support/until.ts';
import { FrameConnection } from '../../frame/connection.ts';
import { type HeadText, parseRequestHead } from '../../frame/head-text.ts';
import { frameType } from '../../frame/messages.ts';
import { specialiseInstance } from '../../frame/specialise.ts';
import type { FrameStream, StreamListener } from '../../frame/stream.ts';
import { type ErrorCode, TinderboxError } from '../../model/errors.ts';
import { createFrameTransport } from './frame.ts';
import type { Transport } from './transport.ts';
import { isUnsent } from './unsent.ts';

/** What a scripted runtime heard of one call. */
interface Heard {
  readonly target: string;
  readonly stream: FrameStream;
  text: string;
  trailers: string;
  ended: boolean;
  stopped: string;
}

interface Scripted {
  readonly transport: Transport;
  readonly calls: Heard[];
  readonly sockets: Socket[];
  readonly violations: string[];
}

/** A runtime in this process that answers as `answer` says, or writes raw bytes. */
async function scripted(
  t: TestContext,
  answer: (call: Heard, connection: FrameConnection, socket: Socket) => void,
): Promise<Scripted> {
  const socketPath = join(tempDir(t), 's');
  const calls: Heard[] = [];
  const sockets: Socket[] = [];
  const violations: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    const connection: FrameConnection = new FrameConnection(socket, {
      side: 'runtime',
      role: 'test',
      reusesBuffer: false,
      events: {
        opened: (stream, head, end) => {
          const call: Heard = {
            target: parseRequestHead(head).target,
            stream,
            text: '',
            trailers: '',
            ended: end,
            stopped: '',
          };
          calls.push(call);
          setImmediate(answer, call, connection, socket);
          return listenerOf(call);
        },
        message: () => {},
        closed: () => {},
      },
    });
    socket.on('data', (bytes: Buffer) => connection.receive(bytes));
  }).listen(socketPath);
  await once(server, 'listening');
  const onViolation = (reason: string): void => void violations.push(reason);
  const transport = createFrameTransport({ address: placeOf(socketPath), onViolation });
  t.after(() => {
    transport.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { transport, calls, sockets, violations };
}

function listenerOf(call: Heard): StreamListener {
  return {
    head() {},
    data(bytes, end) {
      call.text += bytes.toString('latin1');
      call.ended = end;
      call.stream.consumed(bytes.length);
    },
    trailers(text) {
      call.trailers = text;
      call.ended = true;
    },
    stopped: (code) => (call.stopped = code),
  };
}

/** A head of these lines, valid or not. */
function headOf(text: string): HeadText {
  return { first: text.split('\n'), fields: [] };
}

function rejectsWith(promise: Promise<unknown>, code: ErrorCode, unsent = false): Promise<void> {
  return assert.rejects(promise, (error) => {
    assert.ok(error instanceof TinderboxError, String(error));
    assert.deepEqual([error.code, isUnsent(error)], [code, unsent], error.message);
    return true;
  });
}

test('a reply that is whole in one tick is buffered, with or without a length', async (t) => {
  const { transport } = await scripted(t, ({ stream, target }) => {
    stream.head(headOf(target === '/known' ? '200\n4\nx-a\n1' : '201\n-'), false);
    stream.data(Buffer.from('bo'), false);
    stream.data(Buffer.from('dy'), true);
  });
  for (const target of ['/known', '/unknown']) {
    const { reply, done } = await transport.send(callOf({ target }), undefined);
    assert.equal(reply.kind, 'buffered');
    assert.equal(reply.kind === 'buffered' && reply.body.toString(), 'body');
    assert.equal(done, undefined);
  }
});

test('a reply without end yet streams at once, keeps its length, and its trailers follow', async (t) => {
  const { transport, calls } = await scripted(t, ({ stream, target }) => {
    stream.head(headOf(target === '/length' ? '200\n100000' : '200\n-'), false);
    stream.data(Buffer.alloc(target === '/length' ? 100_000 : 5), false);
  });
  const { reply, done } = await transport.send(callOf({ target: '/stream' }), undefined);
  assert.ok(reply.kind === 'streaming' && reply.contentLength === undefined);
  const [first] = (await once(reply.body, 'data')) as [Buffer];
  assert.equal(first.length, 5);
  calls[0]?.stream.trailers('grpc-status\n0\nConnection\nclose');
  await once(reply.body, 'end');
  await done;
  assert.deepEqual(reply.trailers(), ['grpc-status', '0']);
  const long = await transport.send(callOf({ target: '/length' }), undefined);
  assert.ok(long.reply.kind === 'streaming' && long.reply.contentLength === 100_000);
  calls[1]?.stream.data(Buffer.alloc(0), true);
  assert.equal((await readAnswer(long)).text.length, 100_000);
});

test('a consumer that stops reading stops the instance at a window, and goes on where it was', async (t) => {
  const size = 1_000_000;
  const { transport, calls } = await scripted(t, ({ stream }) => {
    stream.head(headOf('200\n-'), false);
    stream.data(Buffer.alloc(size), true);
  });
  const { reply, done } = await transport.send(callOf(), undefined);
  assert.ok(reply.kind === 'streaming');
  let finished = false;
  void done?.then(() => (finished = true));
  await until('a full buffer', () => reply.body.readableLength === 64 * 1024);
  const other = transport.send(callOf(), undefined);
  await until('the second call', () => calls.length === 2);
  const second = await other;
  assert.equal((await readAnswer(second)).text.length, size);
  assert.equal(reply.body.readableLength, 64 * 1024);
  assert.equal(finished, false);
  assert.equal((await readAnswer({ reply, done })).text.length, size);
  await done;
});

test('request bodies arrive whole, streamed ones with their trailers', async (t) => {
  const { transport, calls } = await scripted(t, (call) => {
    void until('the body', () => call.ended).then(() => call.stream.head(headOf('204\n0'), true));
  });
  await transport.send(callOf({ body: Buffer.alloc(300_000, 'a') }), undefined);
  assert.equal(calls[0]?.text, 'a'.repeat(300_000));
  const pieces = Array.from({ length: 30 }, () => Buffer.alloc(9000, 'b'));
  await transport.send(callOf({ body: Readable.from(pieces), trailers: () => ['x-sum', '5'] }), undefined);
  assert.equal(calls[1]?.text.length, 270_000);
  assert.equal(calls[1]?.trailers, 'x-sum\n5');
});

test('a caller that leaves in the middle of its body cancels the call', async (t) => {
  const { transport, calls } = await scripted(t, () => {});
  const body = new PassThrough();
  body.on('error', () => {});
  const call = transport.send(callOf({ body }), undefined);
  body.write('half');
  await until('half', () => calls[0]?.text === 'half');
  body.destroy(new TinderboxError('stalled', 'no progress'));
  await until('the cancel', () => calls[0]?.stopped === 'canceled');
  calls[0]?.stream.stop(frameType.error, 'canceled\n');
  await rejectsWith(call, 'stalled');
});

test('heads that must not be sent on are a bad reply, told when the instance is done', async (t) => {
  const bad = ['99\n0', '101\n0', '199\n0', '600\n0', '200\n0\na b\nc', '200\n0\na', '20\n0', 'x', '200\n5'];
  const { transport, violations } = await scripted(t, ({ stream, target }) =>
    stream.head(headOf(bad[Number(target.slice(1))] ?? ''), true),
  );
  for (const index of bad.keys()) {
    await rejectsWith(transport.send(callOf({ target: `/${index}` }), undefined), 'bad-reply');
  }
  assert.deepEqual(violations, []);
});

test('a body of another length than told is broken off, never completed', async (t) => {
  const { transport, calls } = await scripted(t, ({ stream, target }) => {
    stream.head(headOf(`200\n${target === '/large' ? 50_000 : 5}`), false);
    stream.data(Buffer.alloc(target === '/long' ? 6 : 4), true);
  });
  await rejectsWith(transport.send(callOf({ target: '/long' }), undefined), 'bad-reply');
  await rejectsWith(transport.send(callOf({ target: '/short' }), undefined), 'bad-reply');
  const sent = await transport.send(callOf({ target: '/large' }), undefined);
  await rejectsWith(readAnswer(sent), 'bad-reply');
  await sent.done;
  assert.equal(calls.length, 3);
});

test('hop-by-hop headers and what only the edge may say are taken away', async (t) => {
  const head =
    '200\n0\nConnection\nx-hop, close\nX-Hop\n1\nTransfer-Encoding\nchunked\nX-OpenFaaS-Internal\ngateway\nx-kept\n1\ncontent-length\n9';
  const { transport } = await scripted(t, ({ stream }) => stream.head(headOf(head), true));
  const { reply } = await transport.send(callOf(), undefined);
  assert.deepEqual(reply.headers, ['x-kept', '1']);
});

test('an aborted call is told after the confirmation, and an aborted stream frees its slot then', async (t) => {
  const { transport, calls } = await scripted(t, ({ stream, target }) => {
    if (target === '/stream') stream.head(headOf('200\n-'), false);
  });
  const abort = new AbortController();
  const call = transport.send(callOf(), abort.signal);
  const streamed = await transport.send(callOf({ target: '/stream' }), abort.signal);
  const ends: string[] = [];
  call.catch(() => ends.push('call'));
  void streamed.done?.then(() => ends.push('stream'));
  abort.abort(new TinderboxError('deadline', 'too late'));
  await rejectsWith(readAnswer(streamed), 'deadline');
  await until('both cancels', () => calls.every(({ stopped }) => stopped === 'canceled'));
  assert.deepEqual(ends, []);
  calls[0]?.stream.head(headOf('200\n0'), true);
  await rejectsWith(call, 'deadline');
  calls[1]?.stream.stop(frameType.error, 'canceled\n');
  await streamed.done;
  assert.deepEqual(ends, ['call', 'stream']);
});

test('a call is unsent while nothing reached the instance, and lost when something may have', async (t) => {
  const nowhere = createFrameTransport({ address: placeOf(join(tempDir(t), 'none')) });
  await rejectsWith(nowhere.send(callOf(), undefined), 'lost', true);
  const { transport } = await scripted(t, ({ target, stream }, _, socket) => {
    if (target === '/ok') stream.head(headOf('200\n0'), true);
    else socket.destroy();
  });
  await rejectsWith(transport.send(callOf({ target: '/lose' }), undefined), 'lost');
  const { reply } = await transport.send(callOf({ target: '/ok' }), undefined);
  assert.equal(reply.status, 200, 'a new connection is made after a loss');
  transport.close();
  await rejectsWith(transport.send(callOf(), undefined), 'lost');
});

test('a call the instance refused is unsent, unless it had begun to answer', async (t) => {
  const { transport } = await scripted(t, ({ target, stream }) => {
    if (target === '/begun') stream.head(headOf('200\n10'), false);
    stream.stop(frameType.error, `${target === '/begun' ? 'overloaded' : target.slice(1)}\nwhy`);
  });
  for (const code of ['draining', 'overloaded', 'not-ready']) {
    await rejectsWith(transport.send(callOf({ target: `/${code}` }), undefined), 'unavailable', true);
  }
  await rejectsWith(transport.send(callOf({ target: '/begun' }), undefined), 'bad-reply');
});

test('a streamed body is left alone while there is no connection, so that it can be sent elsewhere', async (t) => {
  const nowhere = createFrameTransport({ address: placeOf(join(tempDir(t), 'none')) });
  const body = Readable.from([Buffer.from('all '), Buffer.from('of it')]);
  await rejectsWith(nowhere.send(callOf({ method: 'POST', body }), undefined), 'lost', true);
  assert.equal(body.readableDidRead, false);
  const { transport, calls } = await scripted(t, ({ stream }) => stream.head(headOf('200\n0'), true));
  await transport.send(callOf({ method: 'POST', body }), undefined);
  await until('the whole body', () => calls[0]?.text === 'all of it');
});

test('a draining connection ends with its last call, and new calls go elsewhere', async (t) => {
  const { transport, calls, sockets } = await scripted(t, ({ stream, target }, connection) => {
    if (target !== '/slow') return stream.head(headOf('200\n0'), true);
    connection.message(frameType.drain);
    stream.head(headOf('200\n-'), false);
  });
  const slow = await transport.send(callOf({ target: '/slow' }), undefined);
  await transport.send(callOf(), undefined);
  assert.equal(sockets.length, 2);
  assert.equal(sockets[0]?.destroyed, false);
  calls[0]?.stream.data(Buffer.from('end'), true);
  assert.equal((await readAnswer(slow)).text, 'end');
  await until('the end of the first connection', () => sockets[0]?.destroyed === true);
});

test('a peer that breaks the protocol loses the connection, its calls, and is reported', async (t) => {
  const { transport, violations } = await scripted(t, ({ target }, _, socket) => {
    if (target === '/break') socket.write(Buffer.from('HTTP/1.1 200 OK\r\n\r\n'));
  });
  const waiting = transport.send(callOf(), undefined);
  waiting.catch(() => {});
  await rejectsWith(transport.send(callOf({ target: '/break' }), undefined), 'lost');
  await rejectsWith(waiting, 'lost');
  assert.deepEqual(violations, ['frame type 72 does not exist']);
});

test('an upgrade, a broken request and an aborted signal never reach the instance', async (t) => {
  const { transport, calls } = await scripted(t, () => {});
  await rejectsWith(transport.send(callOf({ upgrade: true }), undefined), 'unsupported');
  await rejectsWith(transport.send(callOf({ headers: ['a', 'b\r\nc: d'] }), undefined), 'invalid');
  await rejectsWith(transport.send(callOf(), AbortSignal.abort()), 'canceled');
  assert.equal(calls.length, 0);
});

test('specialising rejects when the peer answers nonsense, goes away, or the signal aborts', async (t) => {
  const request = {
    instance: 'i',
    name: 'n',
    namespace: 's',
    revision: 'r',
    artifact: '/',
    workdir: '/',
    modulePaths: [],
    env: {},
    concurrency: 1,
    timeoutMs: 1,
  };
  const socketPath = join(tempDir(t), 's');
  let reaction = (socket: Socket): void => void socket.destroy();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    reaction(socket);
  }).listen(socketPath);
  t.after(() => server.close());
  await once(server, 'listening');
  await assert.rejects(specialiseInstance(placeOf(socketPath), request));
  for (const answer of ['{"ok":"yes"}', 'nonsense', '{"ok":true,"style":"a b"}']) {
    reaction = (socket) => {
      const frames = [[frameType.hello, '{"version":1,"role":"x"}'] as const, [frameType.ready, answer] as const];
      for (const [type, text] of frames)
        socket.write(Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]));
    };
    await assert.rejects(specialiseInstance(placeOf(socketPath), request), { name: 'FrameViolation' });
  }
  reaction = () => {};
  const abort = new AbortController();
  const pending = specialiseInstance(placeOf(socketPath), request, abort.signal);
  abort.abort(new TinderboxError('canceled', 'stop'));
  await assert.rejects(pending, /stop/);
});
