import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untoldLines } from './untold-lines.ts';

test('whole lines that were told are left out, parts and blank ones are not', () => {
  const reason = 'it could not be loaded\nError: cannot connect to db\n    at f (handler.js:1)\n';
  const lines = ['trying', 'db', '', '}', 'Error: cannot connect to db', '    at f (handler.js:1)', ''];
  assert.deepEqual(untoldLines(lines, [reason]), ['trying', 'db', '', '}', '']);
  assert.deepEqual(untoldLines(['Error: cannot connect to db  ', ' ', ''], [reason]), []);
  assert.deepEqual(untoldLines(['a'], []), ['a']);
});
