import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summaryLine } from './summary-line.ts';

test('a summary is the first line of a reason, and never long', () => {
  assert.equal(summaryLine('it could not be loaded\nError: at /some/path'), 'it could not be loaded');
  assert.equal(summaryLine('one\r\ntwo'), 'one');
  assert.equal(summaryLine(''), '');
  assert.equal(summaryLine('x'.repeat(301)), `${'x'.repeat(299)}…`);
});
