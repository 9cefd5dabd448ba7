import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneLine } from './one-line.ts';

test('what ends a line or speaks to a terminal is shown as an escape, all else as it is', () => {
  assert.equal(oneLine('name "a\r\nb" has\ttabs'), 'name "a\\r\\nb" has\\ttabs');
  assert.equal(oneLine('\u001b[31mred\u2028 \u0085'), '\\u001b[31mred\\u2028 \\u0085');
  assert.equal(oneLine('ä 漢 🙂'), 'ä 漢 🙂');
});
