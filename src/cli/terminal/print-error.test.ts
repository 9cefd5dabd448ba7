import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { TinderboxError } from '../../model/errors.ts';
import { printError } from './print-error.ts';

test('what a gateway gives as reason and hint cannot steer the terminal, and keeps its lines', () => {
  const stderr = new PassThrough({ encoding: 'utf8' });
  const hostile = '\x1b]0;title\x07\x1b[31mred\rover\x9b2J';
  const error = new TinderboxError('invalid', `first\n${hostile}`, { hint: hostile });
  assert.equal(printError({ stderr: stderr as never, env: {} }, error), 2);
  const shown = '\\x1b]0;title\\x07\\x1b[31mred\\x0dover\\x9b2J';
  assert.equal(stderr.read(), `error: first\n${shown}\nhint: ${shown}\n`);
});
