import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MarkedLines } from './marked-lines.ts';

function mark(...pieces: readonly string[]): string {
  let text = '';
  const lines = new MarkedLines('c', (bytes) => (text += bytes.toString()));
  for (const piece of pieces) lines.push(Buffer.from(piece));
  lines.end();
  return text.replaceAll('\u001ec\u001f', '>');
}

test('each line is marked once, however it arrives', () => {
  assert.equal(mark('a\nb\n'), '>a\n>b\n');
  assert.equal(mark('a', 'b\nc', '\n'), '>ab\n>c\n');
  assert.equal(mark('\n\n'), '>\n>\n');
  assert.equal(mark('open'), '>open\n');
  assert.equal(mark(), '');
});

test('a line without an end is cut at 16 KiB, so that nothing grows', () => {
  const text = mark('x'.repeat(40 * 1024));
  assert.deepEqual(
    text.split('\n').map((line) => line.length),
    [16 * 1024 + 1, 16 * 1024 + 1, 8 * 1024 + 1, 0],
  );
});
