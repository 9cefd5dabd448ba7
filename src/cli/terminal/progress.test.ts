import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSink } from '../testing/test-shell.ts';
import { createProgress } from './progress.ts';

test('a terminal without a known width has room for a whole line', () => {
  const terminal = Object.assign(createSink(true), { columns: 0 });
  createProgress(terminal).step('hello', 'building registry.example/team/hello:latest');
  assert.equal(terminal.text(), 'hello: building registry.example/team/hello:latest\n');
});
