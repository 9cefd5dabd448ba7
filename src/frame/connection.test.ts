import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { until } from '../../test/support/until.ts';
import { FrameConnection } from './connection.ts';
import type { Side } from './frame-rules.ts';
import { formatReplyHead, formatRequestHead, type HeadText, parseRequestHead } from './head-text.ts';
import { frameLimits, frameType } from './messages.ts';
import type { FrameStream, StreamListener } from './stream.ts';
import { FrameViolation } from './violation.ts';

async function socketPair(t: TestContext): Promise<[Socket, Socket]> {
  const path = join(tempDir(t), 's');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const client = connect(path);
  const [accepted] = (await once(server, 'connection')) as [Socket];
  server.close();
  t.after(() => {
    client.destroy();
    accepted.destroy();
  });
  return [client, accepted];
}

/** Listens to one stream and keeps all it heard. */
class Recorder implements StreamListener {
  readonly heard: string[] = [];
  bytes = 0;

  head(text: string, end: boolean): void {
    this.heard.push(`head ${text.split('\n')[0]}${end ? ' END' : ''}`);
  }

  data(bytes: Buffer, end: boolean): void {
    this.bytes += bytes.length;
    this.heard.push(`data ${bytes.length}${end ? ' END' : ''}`);
  }

  trailers(text: string): void {
    this.heard.push(`trailers ${text.replaceAll('\n', ' ')}`);
  }

  stopped(code: string, message: string): void {
    this.heard.push(`stopped ${code} ${message}`);
  }
}

/** A connection whose streams are recorded. */
class Peer {
  readonly connection: FrameConnection;
  readonly streams: FrameStream[] = [];
  readonly recorders: Recorder[] = [];
  readonly messages: number[] = [];
  closed: { readonly reason: Error | undefined } | undefined;

  constructor(socket: Socket, side: Side, onOpened: (stream: FrameStream) => void = () => {}) {
    this.connection = new FrameConnection(socket, {
      side,
      role: 'test',
      reusesBuffer: false,
      events: {
        opened: (stream, head, end): StreamListener => {
          // As a shim does: a head that cannot be read is the router's fault.
          parseRequestHead(head);
          const recorder = this.#record(stream);
          recorder.head(head, end);
          onOpened(stream);
          return recorder;
        },
        message: (type) => this.messages.push(type),
        closed: (reason) => (this.closed = { reason }),
      },
    });
    socket.on('data', (bytes: Buffer) => this.connection.receive(bytes));
  }

  open(end: boolean): { stream: FrameStream; recorder: Recorder } {
    const recorder = new Recorder();
    this.recorders.push(recorder);
    const stream = this.connection.open(requestHead(), end, recorder);
    this.streams.push(stream);
    return { stream, recorder };
  }

  #record(stream: FrameStream): Recorder {
    const recorder = new Recorder();
    this.streams.push(stream);
    this.recorders.push(recorder);
    return recorder;
  }
}

function requestHead(): HeadText {
  return formatRequestHead({
    method: 'GET',
    target: '/',
    callId: 'c',
    remainingMs: 0,
    contentLength: undefined,
    fields: [],
  });
}

async function peers(t: TestContext, onOpened?: (stream: FrameStream) => void): Promise<[Peer, Peer]> {
  const [client, accepted] = await socketPair(t);
  return [new Peer(client, 'router'), new Peer(accepted, 'runtime', onOpened)];
}

const reply = formatReplyHead(200, undefined, []);

test('a request and its reply with trailers pass in order, and the stream is over on both sides', async (t) => {
  const [router, runtime] = await peers(t, (stream) => {
    stream.head(reply, false);
    stream.data(Buffer.from('hello'), false);
    stream.trailers('x\ny');
  });
  const { recorder } = router.open(true);
  await until('the reply', () => recorder.heard.length === 3);
  assert.deepEqual(recorder.heard, ['head 200', 'data 5', 'trailers x y']);
  assert.deepEqual(runtime.recorders[0]?.heard, ['head GET END']);
  assert.deepEqual([router.connection.size, runtime.connection.size], [0, 0]);
});

test('a body larger than the windows arrives whole when it is consumed, in frames of at most 16 KiB', async (t) => {
  const size = 3 * frameLimits.connectionWindow + 5;
  const [router] = await peers(t, (stream) => {
    stream.head(reply, false);
    stream.data(Buffer.alloc(size, 1), true);
  });
  const { stream, recorder } = router.open(true);
  const data = recorder.data.bind(recorder);
  recorder.data = (bytes, end) => {
    assert.ok(bytes.length <= frameLimits.dataBytes);
    data(bytes, end);
    stream.consumed(bytes.length);
  };
  await until('all bytes', () => recorder.bytes === size);
  assert.match(recorder.heard.at(-1) ?? '', /END$/);
});

test('a stream that nobody consumes stops at its window while others go on over the same connection', async (t) => {
  const [router] = await peers(t, (stream) => {
    stream.head(reply, false);
    stream.data(Buffer.alloc(200_000), true);
  });
  const stalled = Array.from({ length: 40 }, () => router.open(true));
  await until('full windows', () => stalled.every(({ recorder }) => recorder.bytes === frameLimits.streamWindow));
  const { stream, recorder } = router.open(true);
  const data = recorder.data.bind(recorder);
  recorder.data = (bytes, end) => {
    data(bytes, end);
    stream.consumed(bytes.length);
  };
  await until('the other one', () => recorder.bytes === 200_000);
  assert.ok(stalled.every(({ recorder }) => recorder.bytes === frameLimits.streamWindow));
});

test('streams that send much take turns', async (t) => {
  const order: number[] = [];
  const [router, runtime] = await peers(t);
  const opened = [router.open(true), router.open(true)];
  for (const [index, { recorder }] of opened.entries()) recorder.data = () => void order.push(index);
  await until('both heads', () => runtime.streams.length === 2);
  for (const stream of runtime.streams) {
    stream.head(reply, false);
    stream.data(Buffer.alloc(3 * frameLimits.dataBytes), false);
  }
  await until('all frames', () => order.length === 6);
  assert.deepEqual(order, [0, 1, 0, 1, 0, 1]);
});

test('a writer that must wait is told once when all of it was sent', async (t) => {
  let writable = 0;
  const [router] = await peers(t, (stream) => {
    stream.head(reply, false);
    assert.equal(stream.data(Buffer.alloc(100), false), true);
    assert.equal(stream.data(Buffer.alloc(100_000), false), false);
    stream.onWritable = () => (writable += 1);
  });
  const { stream, recorder } = router.open(true);
  await until('the window is full', () => recorder.bytes === frameLimits.streamWindow);
  assert.equal(writable, 0);
  stream.consumed(recorder.bytes);
  await until('the rest', () => recorder.bytes === 100_100);
  assert.equal(writable, 1);
});

test('a cancel reaches the runtime, drops what waited, and the confirmation ends the stream', async (t) => {
  const [router, runtime] = await peers(t);
  const { stream, recorder } = router.open(false);
  stream.data(Buffer.alloc(100_000), true);
  await until('the head', () => runtime.streams.length === 1);
  stream.stop(frameType.cancel, '');
  await until('the cancel', () => runtime.recorders[0]?.heard.at(-1) === 'stopped canceled ');
  assert.equal(router.connection.size, 1);
  runtime.streams[0]?.stop(frameType.error, 'canceled\nthe caller left');
  await until('the confirmation', () => recorder.heard.at(-1) === 'stopped canceled the caller left');
  assert.equal(router.connection.size, 0);
});

test('a cancel of a stream that was answered, and whose answer still waits, is confirmed by the connection', async (t) => {
  const [router, runtime] = await peers(t, (stream) => {
    stream.head(reply, false);
    stream.data(Buffer.alloc(100_000), true);
  });
  const { stream, recorder } = router.open(true);
  await until('as much as the window allows', () => recorder.bytes === frameLimits.streamWindow);
  stream.stop(frameType.cancel, '');
  await until('the confirmation', () => recorder.heard.at(-1) === 'stopped canceled ');
  assert.deepEqual([router.connection.size, runtime.connection.size], [0, 0]);
});

test('what the router had on the way when the runtime ended a stream is ignored, and its window given back', async (t) => {
  const [router, runtime] = await peers(t, (stream) => stream.head(reply, true));
  for (let round = 0; round < 40; round += 1) {
    const { stream } = router.open(false);
    stream.data(Buffer.alloc(60_000), false);
    stream.stop(frameType.cancel, '');
  }
  await until('all ended', () => router.connection.size === 0);
  assert.equal(runtime.closed, undefined);
  assert.equal(router.closed, undefined);
});

test('a lost connection stops its streams on both sides', async (t) => {
  const [router, runtime] = await peers(t);
  const { recorder } = router.open(true);
  await until('the head', () => runtime.streams.length === 1);
  runtime.connection.fail(undefined);
  await until('the loss', () => router.closed !== undefined);
  assert.deepEqual(recorder.heard, ['stopped lost the connection was closed']);
  assert.equal(runtime.recorders[0]?.heard.at(-1), 'stopped lost the connection was closed');
});

test('a ping is answered, and a peer that pings without reading the answers is disconnected', async (t) => {
  const [raw, accepted] = await socketPair(t);
  const runtime = new Peer(accepted, 'runtime');
  raw.on('error', () => {});
  const hello = frame(frameType.hello, 0, 0, Buffer.from('{"version":1,"role":"x"}'));
  const ping = frame(frameType.ping, 0, 0, Buffer.alloc(64, 5));
  raw.write(Buffer.concat([hello, ping]));
  let answer = Buffer.alloc(0);
  raw.on('data', (bytes: Buffer) => (answer = Buffer.concat([answer, bytes])));
  await until('the pong', () =>
    answer.includes(Buffer.concat([Buffer.from([frameType.pong]), Buffer.alloc(8), Buffer.from([64])])),
  );
  raw.pause();
  const flood = setInterval(() => raw.writable && raw.write(Buffer.concat(Array(2000).fill(ping))), 1);
  t.after(() => clearInterval(flood));
  await until('the end of the flood', () => runtime.closed !== undefined);
  clearInterval(flood);
  assert.match(runtime.closed?.reason?.message ?? '', /without reading/);
});

test('messages without a stream reach the owner', async (t) => {
  const [router, runtime] = await peers(t);
  router.connection.message(frameType.specialise, { name: 'x' });
  runtime.connection.message(frameType.drain);
  await until('both', () => router.messages.length + runtime.messages.length === 2);
  assert.deepEqual([router.messages, runtime.messages], [[frameType.drain], [frameType.specialise]]);
});

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.from([type, flags, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(stream, 2);
  header.writeUInt32BE(payload.length, 6);
  return Buffer.concat([header, payload]);
}

type Received = string | { repeatData: { stream: number; bytes: number } };
const vectorFile = new URL('../../test/fixtures/frame-vectors.json', import.meta.url);
const { sessions } = JSON.parse(readFileSync(vectorFile, 'utf8')) as {
  sessions: { name: string; side: Side; opened?: number; received: Received[]; violation?: string }[];
};

function receivedBytes(item: Received): Buffer {
  if (typeof item === 'string') return Buffer.from(item, 'hex');
  return frame(frameType.data, 0, item.repeatData.stream, Buffer.alloc(item.repeatData.bytes, 'x'));
}

for (const session of sessions) {
  test(`the ${session.side} agrees with the session "${session.name}"`, async (t) => {
    const [raw, own] = await socketPair(t);
    raw.on('error', () => {}).resume();
    const peer = new Peer(own, session.side);
    for (let count = 0; count < (session.opened ?? 0); count += 1) peer.open(true);
    for (const item of session.received) peer.connection.receive(receivedBytes(item));
    const rule = peer.closed?.reason instanceof FrameViolation ? peer.closed.reason.rule : undefined;
    assert.equal(rule, session.violation);
  });
}
