import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplyError, ReplyReader } from './reply-reader.ts';

interface Read {
  status: number;
  length: number | undefined;
  fields: readonly string[];
  body: string;
  end: boolean | undefined;
}

/** Reads replies given in pieces; `closes`: the server closes behind them. */
function read(pieces: readonly string[], method = 'GET', closes = false): Read {
  const reader = new ReplyReader();
  const got: Read = { status: 0, length: undefined, fields: [], body: '', end: undefined };
  reader.expect(method, {
    replyHead: (status, length, fields) => Object.assign(got, { status, length, fields }),
    replyData: (bytes) => (got.body += bytes.toString('latin1')),
    replyEnd: (reusable) => (got.end = reusable),
  });
  for (const piece of pieces) reader.push(Buffer.from(piece, 'latin1'));
  if (closes) reader.closed();
  return got;
}

const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\nConnection: keep-alive\r\n\r\nhello';
const chunked =
  'HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: v\r\n\r\n';

test('a reply reads the same in one piece, in two, and byte by byte', () => {
  for (const [text, status, body] of [
    [whole, 200, 'hello'],
    [chunked, 201, 'abc0123456789abcdef'],
  ] as const) {
    for (let cut = 0; cut <= text.length; cut += 1) {
      const got = read([text.slice(0, cut), text.slice(cut)].filter((piece) => piece !== ''));
      assert.deepEqual([got.status, got.body, got.end], [status, body, true]);
    }
    const got = read(text.split(''));
    assert.deepEqual([got.status, got.body, got.end], [status, body, true]);
  }
  assert.deepEqual(read([whole]).fields, ['X-A', 'b']);
});

test('a reply without a body ends with its head', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';
  assert.deepEqual([read([head], 'HEAD').end, read([head], 'HEAD').length], [true, 5]);
  for (const status of [204, 304]) assert.equal(read([`HTTP/1.1 ${status} X\r\n\r\n`]).end, true);
  assert.equal(read(['HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n']).end, true);
  assert.equal(read([`HTTP/1.1 100 Continue\r\n\r\n${whole}`]).body, 'hello');
});

test('a connection is used again only when the reply says where it ended and that it may be', () => {
  assert.equal(read(['HTTP/1.1 200 OK\r\n\r\nto the end'], 'GET', true).body, 'to the end');
  assert.equal(read(['HTTP/1.1 200 OK\r\n\r\nto the end'], 'GET', true).end, false);
  assert.equal(read([whole.replace('keep-alive', 'close')]).end, false);
  assert.equal(read(['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n']).end, false);
  assert.equal(read(['HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n']).end, true);
});

test('what two readers could see differently is no reply', () => {
  const bad = [
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX : a\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n',
    'HTTP/1.1 101 Switching\r\n\r\n',
    'HTTP/2 200\r\n\r\n',
    'HTTP/1.1 099 X\r\n\r\n',
    'nonsense\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'0'.repeat(10_000)}`,
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(300_000)}`,
    `${whole}and more`,
  ];
  for (const text of bad) assert.throws(() => read([text]), ReplyError, JSON.stringify(text.slice(0, 80)));
});

test('a reply that is cut off is told from a whole one', () => {
  for (const text of [whole.slice(0, -1), chunked.slice(0, -2), 'HTTP/1.1 2', '']) {
    assert.throws(() => read([text], 'GET', true), ReplyError);
  }
});
