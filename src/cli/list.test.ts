import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { createBench, hello } from '../../test/support/command-bench.ts';

test('list shows the columns of faas-cli, and more, less or data on request', async (t) => {
  const { run, state, url } = await createBench(t);
  state.functions.set('hello', hello).set('a-b', { ...hello, service: 'a-b' });
  const { exitCode, stdout } = await run('list');
  assert.equal(exitCode, 0);
  assert.equal(
    stdout,
    [
      'Function                      \tInvocations    \tReplicas\n',
      'a-b                           \t7              \t1    \n',
      'hello                         \t7              \t1    \n',
    ].join(''),
  );
  const verbose = (await run('list --verbose')).stdout.split('\n');
  assert.equal(
    verbose[0],
    'Function                      \tImage                                   \tInvocations    \tReplicas\tCreatedAt',
  );
  assert.equal(
    verbose[1],
    'a-b                           \thello:latest                            \t7              \t1    \t\t2026-01-02 03:04:05 +0000 UTC',
  );
  assert.equal((await run('list -o name')).stdout, 'a-b\nhello\n');
  assert.equal((await run('ls -q')).stdout, 'a-b\nhello\n');
  assert.match(
    (await run('list -o wide')).stdout,
    new RegExp(`hello:latest +2026-01-02T03:04:05Z +${url}/function/hello\n`),
  );
  const data = JSON.parse((await run('list -o json')).stdout) as { name: string }[];
  assert.deepEqual(
    data.map((fn) => fn.name),
    ['a-b', 'hello'],
  );
  assert.match((await run('list -o yaml')).stdout, /^- name: a-b\n {2}image: hello:latest\n/);
});

test('a watched list goes on with what changes until it is interrupted', async (t) => {
  const { run, state } = await createBench(t);
  state.functions.set('hello', hello);
  const stop = new AbortController();
  const watching = run('list -w', { signal: stop.signal });
  const seen = (count: number): Promise<boolean> => until('the list was read', () => state.lists >= count);
  await seen(1);
  state.functions.set('other', { ...hello, service: 'other' });
  await seen(3);
  state.functions.delete('hello');
  await seen(5);
  stop.abort();
  const { exitCode, stdout } = await watching;
  assert.equal(exitCode, 130);
  assert.deepEqual(
    stdout.split('\n').map((line) => line.split(/\s+/).slice(0, 2).join(' ')),
    ['Function Invocations', 'hello 7', 'other 7', 'hello removed', ''],
  );
  assert.match((await run('list -w -j')).stderr, /--watch prints the plain list/);
});

test('a list can be sorted, and what picks from it is a template', async (t) => {
  const { run, state } = await createBench(t);
  state.functions.set('b', { ...hello, service: 'b' }).set('a', { ...hello, service: 'a' });
  for (const order of ['name', 'invocations', 'creation']) {
    assert.equal((await run(`list -q --sort ${order}`)).stdout, 'a\nb\n');
  }
  assert.match((await run('list --sort size')).stderr, /--sort "size" is not one of name, invocations, creation/);
  assert.equal((await run('list -o jsonpath={.items[*].name}')).stdout, 'a b\n');
  assert.equal((JSON.parse((await run('list --json')).stdout) as unknown[]).length, 2);
  assert.match((await run('list -o jsonpath={.a')).stderr, /jsonpath template "\{\.a" is not valid/);
  assert.match((await run('list -o csv')).stderr, /-o "csv" is not a format/);
});
