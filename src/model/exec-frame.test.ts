import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { ExecCommand } from './exec.ts';
import { encodeExecFrame, type ExecFrame, ExecFrameReader, maxExecFrameBytes, parseExecCommand } from './exec-frame.ts';
import { TinderboxError } from './errors.ts';

const frames: readonly ExecFrame[] = [
  { kind: 'start', command: { command: ['sh', '-c', 'echo "ä"\n'], stdin: true } },
  {
    kind: 'start',
    command: { command: ['top'], stdin: false, terminal: { rows: 24, columns: 80, type: 'xterm-256color' } },
  },
  { kind: 'stdin', data: Buffer.from([0, 255, 10]) },
  { kind: 'stdin-end' },
  { kind: 'resize', rows: 1, columns: 4096 },
  { kind: 'signal', signal: 'SIGINT' },
  { kind: 'stdout', data: Buffer.from('out') },
  { kind: 'stderr', data: Buffer.alloc(0) },
  { kind: 'credit', bytes: 7 },
  { kind: 'exit', exitCode: 3, signal: null },
  { kind: 'exit', exitCode: null, signal: 'SIGKILL' },
  { kind: 'error', code: 'unavailable', message: 'gone', hint: 'come back' },
];

test('every frame is read as it was written, however the bytes are cut', () => {
  const bytes = Buffer.concat(frames.map(encodeExecFrame));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
      const reader = new ExecFrameReader();
      const read: ExecFrame[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        read.push(...reader.push(bytes.subarray(at, at + size)));
        at += size;
      }
      assert.deepEqual(read, frames);
    }),
    { numRuns: 50 },
  );
});

test('data longer than a frame arrives whole, in several', () => {
  const data = Buffer.alloc(maxExecFrameBytes * 2 + 1, 'x');
  const read = new ExecFrameReader().push(encodeExecFrame({ kind: 'stdin', data }));
  assert.equal(read.length, 3);
  assert.deepEqual(Buffer.concat(read.map((frame) => ('data' in frame ? frame.data : Buffer.alloc(0)))), data);
});

test('bytes of any kind give frames or our own error, never another one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        new ExecFrameReader().push(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof TinderboxError);
        assert.match(error.code, /^(invalid|too-large)$/);
      }
    }),
  );
});

const raw = (kind: number, payload: string, length = Buffer.byteLength(payload)): Buffer => {
  const head = Buffer.from([kind, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, Buffer.from(payload)]);
};

test('an unknown kind, a frame that is too long, and a signal that is none are named', () => {
  const read = (bytes: Buffer) => () => new ExecFrameReader().push(bytes);
  assert.throws(read(raw(99, '')), { code: 'invalid', message: 'frame kind 99 is unknown' });
  assert.throws(read(raw(1, '', maxExecFrameBytes + 1)), {
    code: 'too-large',
    message: /65537 bytes: the limit is 65536/,
  });
  assert.throws(read(raw(4, 'SIGSTOP')), { code: 'invalid', message: /signal "SIGSTOP" is not one of SIGHUP, / });
  assert.throws(read(raw(3, '{"rows":0,"columns":1}')), {
    code: 'invalid',
    message: /rows of the terminal, 0, is not/,
  });
  assert.throws(read(raw(0, '{')), { code: 'invalid', message: 'the start frame is no JSON' });
});

test('a command is refused for what cannot be run, and the word at fault is named', () => {
  const good: ExecCommand = { command: ['id'], stdin: false };
  assert.deepEqual(parseExecCommand({ ...good, more: 1 }), good);
  const refused: readonly [unknown, RegExp][] = [
    [[], /no JSON object/],
    [{ ...good, command: [] }, /the command is empty/],
    [{ ...good, command: [''] }, /the command is empty/],
    [{ ...good, command: ['echo', 'a\0b'] }, /word 2 of the command has a NUL byte/],
    [{ ...good, command: ['echo', 1] }, /word 2 of the command is no text/],
    [{ ...good, command: Array.from({ length: 4097 }, () => 'a') }, /4097 words, the limit is 4096/],
    [{ ...good, stdin: 'yes' }, /stdin must be true or false/],
    [{ ...good, terminal: { rows: 1, columns: 1, type: '$(id)' } }, /type of the terminal, "\$\(id\)", is no name/],
    [{ ...good, terminal: { rows: 1, columns: 9e9, type: 'vt100' } }, /columns of the terminal, 9000000000/],
  ];
  for (const [value, message] of refused) assert.throws(() => parseExecCommand(value), { code: 'invalid', message });
});
