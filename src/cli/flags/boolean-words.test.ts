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
});

test('everything else stays as it is', () => {
  for (const line of ['deploy --yaml=true', 'deploy -e a=true', 'deploy --nope=false', 'deploy -- --update=false']) {
    assert.equal(plain(line), line);
  }
});
