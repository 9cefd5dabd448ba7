import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countNewlines } from './count-newlines.ts';
import { LineSplitter, maxLineBytes } from './line-splitter.ts';

type Line = readonly [text: string, callId: string | undefined];

function splitter(): { readonly lines: Line[]; readonly into: LineSplitter; write: (text: string) => void } {
  const lines: Line[] = [];
  const into = new LineSplitter((text, callId) => lines.push([text.toString(), callId]));
  return { lines, into, write: (text) => void into.push(Buffer.from(text), () => true) };
}

test('lines are found however the bytes arrive', () => {
  const { lines, into, write } = splitter();
  for (const char of 'one\n\ntwo\nthr') write(char);
  assert.deepEqual(lines, [
    ['one', undefined],
    ['', undefined],
    ['two', undefined],
  ]);
  assert.equal(into.unfinished, true);
  into.flush();
  assert.deepEqual(lines.at(-1), ['thr', undefined]);
});

test('a mark at the start of a line becomes its call id; anywhere else, or malformed, it is text', () => {
  const { lines, write } = splitter();
  write('\x1eabc-1\x1fhello\n\x1ebad id\x1fx\nmid\x1eabc\x1f\n\x1eopen\n');
  assert.deepEqual(lines, [
    ['hello', 'abc-1'],
    ['\x1ebad id\x1fx', undefined],
    ['mid\x1eabc\x1f', undefined],
    ['\x1eopen', undefined],
  ]);
});

test('a line beyond 64 KiB is cut, and its rest belongs to the same call', () => {
  const { lines, write } = splitter();
  write(`\x1eid\x1f${'x'.repeat(2 * maxLineBytes)}`);
  write('end\nnext\n');
  assert.deepEqual(
    lines.map(([text, callId]) => [text.length, callId]),
    [
      [maxLineBytes - 4, 'id'],
      [maxLineBytes, 'id'],
      [7, 'id'],
      [4, undefined],
    ],
  );
});

test('a full line followed by its newline is one line, not two', () => {
  const { lines, write } = splitter();
  write(`${'x'.repeat(maxLineBytes)}\n`);
  write('x'.repeat(maxLineBytes));
  write('\nafter\n');
  assert.deepEqual(
    lines.map(([text]) => text.length),
    [maxLineBytes, maxLineBytes, 5],
  );
});

test('a line that was handed out before its end goes on as one of the same call, and ends without an empty one', () => {
  const { lines, into, write } = splitter();
  write('\x1eid\x1fhalf');
  into.flush();
  write(' done\n\x1eid\x1fopen');
  into.flush();
  into.flush();
  write('\n\x1eother\x1fnext\nlast\n');
  assert.deepEqual(lines, [
    ['half', 'id'],
    [' done', 'id'],
    ['open', 'id'],
    ['next', 'other'],
    ['last', undefined],
  ]);
});

test('discarded bytes are counted by the lines they cost, and a half line is lost whole', () => {
  const { lines, into, write } = splitter();
  write('begun ');
  assert.equal(into.discard(Buffer.from('lost\nalso lost\nhalf')), 3);
  assert.equal(into.discard(Buffer.from(' of it')), 0);
  assert.equal(into.discard(Buffer.from('\nanother\n')), 1);
  write('kept\n');
  assert.equal(into.discard(Buffer.from('cut here')), 1);
  write(' and its end\nkept too\n');
  assert.deepEqual(lines, [
    ['kept', undefined],
    ['kept too', undefined],
  ]);
});

test('newlines are counted exactly, wherever the bytes begin and end', () => {
  const bytes = Buffer.from(Array.from({ length: 300 }, (_, at) => [10, 0, 138, 10, 255, 11, 9][(at * at) % 7] ?? 0));
  for (let from = 0; from < 9; from += 1) {
    for (let to = from; to < 60; to += 1) {
      const part = bytes.subarray(from, to);
      assert.equal(countNewlines(part), [...part].filter((byte) => byte === 10).length);
    }
  }
});
