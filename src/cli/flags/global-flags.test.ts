import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { createBench, hello } from '../../../test/support/command-bench.ts';
import { commandFirst, namesFirst } from './global-flags.ts';

const words = (line: string): string[] => line.split(' ');

test('flags of every command may stand before its name', () => {
  assert.deepEqual(
    commandFirst(words('-f a.yml --filter=x* deploy --replace')),
    words('deploy -f a.yml --filter=x* --replace'),
  );
  for (const line of ['deploy -f a.yml', '-f', '-f a.yml', '-f a.yml --replace deploy', '--unknown deploy']) {
    assert.deepEqual(commandFirst(words(line)), words(line));
  }
});

test('flags between the names of commands belong to the last of them', () => {
  const program = new Command();
  const store = program.command('store');
  store.command('list').alias('ls').option('-u, --url <url>').option('-v, --verbose').argument('[word]');
  program.command('exec').option('-u <user>').argument('<words...>');
  const cases = {
    'store -u x -v ls word': 'store ls -u x -v word',
    'store --url=list list': 'store list --url=list',
    'store ls -u x': 'store ls -u x',
    'store -q ls': 'store -q ls',
    'store -u': 'store -u',
    'exec -u store -- store -u': 'exec -u store -- store -u',
  };
  for (const [line, expected] of Object.entries(cases)) {
    assert.deepEqual(namesFirst(words(line), program), words(expected), line);
  }
});

test('a command line as faas-cli takes it works in any order', async (t) => {
  const { run, state, url, cwd } = await createBench(t);
  state.functions.set('hello', hello);
  writeFileSync(
    join(cwd, 'other.yml'),
    `provider: {name: openfaas, gateway: "${url}"}\nfunctions:\n  hello: {image: a}\n`,
  );
  const unknown = { env: { OPENFAAS_URL: 'http://127.0.0.1:9' } };
  const runs = ['-f other.yml list -q', '--yaml=other.yml list -q', 'list -q -f other.yml'];
  for (const line of runs) assert.equal((await run(line, unknown)).stdout, 'hello\n', line);
  assert.match((await run('version -f other.yml', unknown)).stdout, /^provider: /m);
  for (const line of ['namespaces', 'ns', 'ns list', `namespace -g ${url} list`]) {
    assert.match((await run(line)).stdout, /^Namespace *\nopenfaas-fn\n$/, line);
  }
  for (const line of [
    '--filter a* store -p x86_64 list',
    'describe hello --name x',
    'secret gen --filter a* --regex b -f other.yml',
    'template store list --debug -u t.json',
  ]) {
    writeFileSync(join(cwd, 't.json'), '[]');
    const { exitCode, stderr } = await run(line);
    assert.equal(exitCode, 0, `${line}: ${stderr}`);
  }
  assert.equal((await run('-f other.yml')).exitCode, 2);
});
