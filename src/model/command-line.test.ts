import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine } from './command-line.ts';

test('a command line is split at blanks, with quotes and backslashes as in a shell', () => {
  assert.deepEqual(parseCommandLine(` ./run  -v "a b" 'c "d"' e\\ f g"h"'i' `), [
    './run',
    '-v',
    'a b',
    'c "d"',
    'e f',
    'ghi',
  ]);
  assert.deepEqual(parseCommandLine(String.raw`echo "\"\\ \$HOME \n" ''`), ['echo', String.raw`"\ $HOME \n`, '']);
});

test('nothing is expanded', () => {
  assert.deepEqual(parseCommandLine('echo $HOME *.txt ; ls'), ['echo', '$HOME', '*.txt', ';', 'ls']);
});

test('an open quote, a lone backslash and an empty line are refused', () => {
  for (const text of ['echo "a', "echo 'a", 'echo \\', '', '   ']) {
    assert.throws(() => parseCommandLine(text, 'fprocess'), { code: 'invalid' });
  }
});
