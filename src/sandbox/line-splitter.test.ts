import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLineSplitter } from './line-splitter.ts';

function split(chunks: readonly (string | Buffer)[], maxLength?: number): string[] {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => lines.push(line), maxLength);
  for (const chunk of chunks) splitter.write(Buffer.from(chunk));
  splitter.end();
  return lines;
}

test('lines come whole however the output is cut', () => {
  assert.deepEqual(split(['a', 'b\nc\r\n\n', 'd']), ['ab', 'c', '', 'd']);
  const [first = 0, ...rest] = Buffer.from('ü\n');
  assert.deepEqual(split([Buffer.of(first), Buffer.from(rest)]), ['ü']);
});

test('a line without an end comes in pieces and takes no more memory than one', () => {
  assert.deepEqual(split(['abcdefgh', 'ij\nxy'], 4), ['abcd', 'efgh', 'ij', 'xy']);
  assert.deepEqual(split(['abcdefghij\nk'], 4), ['abcd', 'efgh', 'ij', 'k']);
  assert.deepEqual(
    split(['x'.repeat(200_000)]).map((line) => line.length),
    [65_536, 65_536, 65_536, 3_392],
  );
});
