import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutputLines } from './output-lines.ts';

function lines(longestBytes: number, ...pieces: readonly string[]): string {
  let text = '';
  const output = new OutputLines({
    prefix: () => Buffer.from('>'),
    longestBytes,
    write: (bytes) => (text += bytes.toString()),
  });
  for (const piece of pieces) output.push(Buffer.from(piece));
  output.end();
  return text;
}

test('each line has its prefix once, however it arrives', () => {
  for (const longest of [0, 100]) {
    assert.equal(lines(longest, 'a\nb\n'), '>a\n>b\n');
    assert.equal(lines(longest, 'a', 'b\nc', '\n'), '>ab\n>c\n');
    assert.equal(lines(longest, '\n\n'), '>\n>\n');
    assert.equal(lines(longest, 'open'), '>open\n');
    assert.equal(lines(longest), '');
  }
});

test('a line without an end is cut at its limit, so that nothing grows', () => {
  const text = lines(16 * 1024, 'x'.repeat(40 * 1024));
  assert.deepEqual(
    text.split('\n').map((line) => line.length),
    [16 * 1024 + 1, 16 * 1024 + 1, 8 * 1024 + 1, 0],
  );
  assert.equal(lines(4, '1234\n', '12', '345\n'), '>1234\n>1234\n>5\n');
});

test('without a limit a line is written as it comes', () => {
  const written: string[] = [];
  const output = new OutputLines({
    prefix: () => Buffer.from('>'),
    longestBytes: 0,
    write: (bytes) => void written.push(bytes.toString()),
  });
  for (const piece of ['a', 'b', 'c\nd']) output.push(Buffer.from(piece));
  output.end();
  assert.deepEqual(written, ['>a', 'b', 'c\n>d', '\n']);
});
