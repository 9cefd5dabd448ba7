import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startsPlatform } from './starts-platform.ts';

test('up with nothing but settings starts the platform', () => {
  for (const words of [['up'], ['up', '--port', '1', '--examples'], ['up', '--data-dir=/x', '--log-level', 'info']]) {
    assert.equal(startsPlatform(words), true, words.join(' '));
  }
});

test('anything else is left to the command that knows all flags', () => {
  const others = [
    ['up', '-f', 'stack.yaml'],
    ['up', '--help'],
    ['up', 'stack.yaml'],
    ['up', '--prot', '1'],
    ['deploy'],
  ];
  for (const words of [...others, ['up', '--port', '1', '--watch'], []]) {
    assert.equal(startsPlatform(words), false, words.join(' '));
  }
  assert.equal(startsPlatform(), false);
});
