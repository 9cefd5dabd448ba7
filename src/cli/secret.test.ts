import assert from 'node:assert/strict';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createBench } from '../../test/support/command-bench.ts';
import { covers } from '../../test/support/covers.ts';

test('a secret is made from stdin, a file or a literal, trimmed unless told otherwise', async (t) => {
  const { run, state, cwd } = await createBench(t);
  writeFileSync(join(cwd, 'value'), ' from file \n');
  assert.equal((await run('secret create a', { stdin: 'from stdin\n' })).stdout, 'Created secret a.\n');
  await run('secret create b --from-file value --no-trim');
  await run('secret create c --from-literal=x');
  assert.deepEqual([...state.secrets.values()], ['from stdin', ' from file \n', 'x']);
  const conflict = await run('secret create a --from-literal y');
  assert.deepEqual([conflict.exitCode, conflict.stderr], [5, 'error: secret a exists\n']);
  assert.equal((await run('secret create a --replace --from-literal y')).stdout, 'Updated secret a.\n');
  assert.equal((await run('secret update a --from-literal z')).exitCode, 0);
  assert.equal(state.secrets.get('a'), 'z');
  assert.equal((await run('secret list')).stdout, 'Name\na\nb\nc\n');
  assert.equal((await run('secret rm a')).exitCode, 0);
  assert.equal((await run('secret remove a')).exitCode, 3);
});

test('a secret without value, with two, or with a bad name is refused before anything is sent', async (t) => {
  const { run } = await createBench(t);
  assert.match((await run('secret create a')).stderr, /the value of the secret is empty/);
  assert.match((await run('secret create a --from-literal x --from-file y')).stderr, /exclude each other/);
  assert.match((await run('secret create ../a --from-literal x')).stderr, /secret name "\.\.\/a" is not valid/);
  assert.match((await run('secret create a --from-file nope')).stderr, /cannot be read: ENOENT/);
});

test('secrets are applied from a folder, and sealed and opened without a platform', async (t) => {
  covers('command', 'secret apply', 'secret generate', 'secret keygen', 'secret seal', 'secret unseal');
  const { run, state, cwd } = await createBench(t);
  assert.equal((await run('secret apply')).exitCode, 3);
  mkdirSync(join(cwd, '.secrets'));
  assert.match((await run('secret apply')).stderr, /nothing to apply/);
  writeFileSync(join(cwd, '.secrets', 'a'), ' one \n');
  writeFileSync(join(cwd, '.secrets', 'b'), 'two');
  state.secrets.set('b', 'old');
  assert.equal((await run('secret apply')).stdout, 'Created secret a.\nUpdated secret b.\n');
  assert.deepEqual(
    [...state.secrets],
    [
      ['b', 'two'],
      ['a', 'one'],
    ],
  );
  assert.equal((await run('secret apply --trim=false')).exitCode, 0);
  assert.equal(state.secrets.get('a'), ' one \n');
  writeFileSync(join(cwd, '.secrets', 'c'), ' ');
  assert.match((await run('secret apply')).stderr, /\.secrets\/c is empty/);

  assert.equal(Buffer.from((await run('secret generate --length 20')).stdout, 'base64').length, 20);
  assert.equal((await run('secret generate -o random')).stdout, '');
  assert.equal(statSync(join(cwd, 'random')).mode & 0o777, 0o600);
  assert.match(
    (await run('secret keygen -o keys/build')).stdout,
    /Wrote private key: keys\/build\n.*\nKey ID: +\S{8}\n$/s,
  );
  const sealed = await run(
    'secret seal keys/build.pub --from-literal x=1 --from-literal y=a=b --from-file z=random -o s',
  );
  assert.match(sealed.stdout, /^Sealed 3 secret\(s\) to s \(key ID: \S{8}\)\n$/);
  assert.equal((await run('secret unseal keys/build --in s --key y')).stdout, 'a=b');
  const all = JSON.parse((await run('secret unseal keys/build --in s -j')).stdout) as Record<string, string>;
  assert.deepEqual(Object.keys(all), ['x', 'y', 'z']);
  assert.match((await run('secret unseal keys/build --in s')).stdout, /^x=1\ny=a=b\nz=/);
  assert.match((await run('secret unseal keys/build --in s --key q')).stderr, /hold no "q"\nhint: they hold: x, y, z/);
  assert.match((await run('secret seal keys/build.pub')).stderr, /no secret given/);
  assert.match((await run('secret unseal keys/build --in nope')).stderr, /nope cannot be read/);
});
