import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createBench } from '../../test/support/command-bench.ts';
import { covers } from '../../test/support/covers.ts';

test('a token is sent in place of a login, and a certificate nobody vouches for is taken on request', async (t) => {
  const { run } = await createBench(t);
  const refused = await run('list --token abc');
  assert.equal(refused.exitCode, 4);
  assert.equal((await run('list --tls-no-verify --envsubst=false')).exitCode, 0);
});

test('logout forgets a login, and registry-login writes a file that is nobody else’s', async (t) => {
  covers('command', 'registry-login');
  const { run, cwd } = await createBench(t);
  assert.equal((await run('logout')).exitCode, 3);
  assert.equal((await run('login -s --timeout 10s --tls-no-verify', { stdin: 's3cret' })).exitCode, 0);
  assert.match((await run('logout')).stdout, /^Removed the login of http/);
  const file = join(cwd, 'credentials', 'config.json');
  assert.equal((await run('registry-login -u me -s --server reg.example', { stdin: 'pw\n' })).exitCode, 0);
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { auths: { 'reg.example': { auth: 'bWU6cHc=' } } });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal((await run('registry-login --ecr --account-id 123456789012 --region eu-west-1')).exitCode, 0);
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
    credsStore: 'ecr-login',
    credHelpers: { '123456789012.dkr.ecr.eu-west-1.amazonaws.com': 'ecr-login' },
  });
  assert.equal((await run('registry-login --username me --password pw')).exitCode, 0);
  assert.match((await run('registry-login --ecr')).stderr, /needs --account-id and --region/);
  assert.match((await run('registry-login --ecr --account-id 1 --region x')).stderr, /is not an AWS account/);
  assert.match((await run('registry-login -u me')).stderr, /both --username and a password are needed/);
  assert.match((await run('registry-login -u me --password a -s')).stderr, /exclude each other/);
});

test('login checks the password before it saves it, and then it is used', async (t) => {
  const { run, url } = await createBench(t);
  const env = { TINDERBOX_DATA_DIR: '/nowhere' };
  const refused = await run('list', { env });
  assert.deepEqual(
    [refused.exitCode, refused.stderr],
    [4, `error: invalid credentials\nhint: log in first: tinderbox login --gateway ${url}\n`],
  );
  assert.equal((await run('login -s', { env, stdin: 'wrong' })).exitCode, 4);
  assert.equal((await run('list', { env })).exitCode, 4);
  assert.match(
    (await run('login --password-stdin', { env, stdin: 's3cret\n' })).stdout,
    /^Logged in to http.* as admin; saved in /,
  );
  assert.equal((await run('list', { env })).exitCode, 0);
});
