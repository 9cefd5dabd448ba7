import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { plainBooleans } from './boolean-words.ts';

function createProgram(): Command {
  const program = new Command('tinderbox');
  program
    .command('deploy')
    .option('-f, --yaml <file>')
    .option('--no-update')
    .option('-r, --replace')
    .option('-e, --env <pair>');
  return program;
}

const plain = (line: string): string => plainBooleans(line.split(' '), createProgram()).join(' ');

test('values of flags without a value become the flags that are known', () => {
  assert.equal(plain('deploy --update=false --replace=true'), 'deploy --no-update --replace');
  assert.equal(plain('deploy --update=true --replace=false'), 'deploy');
  assert.equal(plain('deploy -r=true'), 'deploy --replace');
  assert.equal(plain('deploy --update x'), 'deploy x');
  assert.equal(plain('deploy --update=F --replace=TRUE'), 'deploy --no-update --replace');
});

test('another value of such a flag is refused with flag and value', () => {
  for (const [line, message] of [
    ['deploy --update=maybe', '--update "maybe" is neither true nor false'],
    ['deploy -r=', '-r "" is neither true nor false'],
  ] as const) {
    assert.throws(() => plain(line), { code: 'invalid', message });
  }
});

test('everything else stays as it is', () => {
  for (const line of ['deploy --yaml=true', 'deploy -e a=true', 'deploy --nope=false', 'deploy -- --update=false']) {
    assert.equal(plain(line), line);
  }
});
