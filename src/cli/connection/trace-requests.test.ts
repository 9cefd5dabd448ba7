import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { differs } from '../../../test/support/covers.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { fakeLogin, startFakePlatform } from '../testing/fake-platform.ts';
import { type CliRun, runInTest } from '../testing/test-shell.ts';
import { withoutUserInfo } from './trace-requests.ts';

const encoded = Buffer.from(`${fakeLogin.user}:${fakeLogin.password}`).toString('base64');

interface Bench {
  readonly url: string;
  readonly cwd: string;
  readonly run: (line: string, env: Record<string, string>, stdin?: string) => Promise<CliRun>;
}

async function createBench(t: TestContext): Promise<Bench> {
  const { url } = await startFakePlatform(t);
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'password'), fakeLogin.password);
  const run: Bench['run'] = (line, env, stdin = '') =>
    runInTest(line.split(' '), { cwd, stdin, env: { OPENFAAS_URL: url, TINDERBOX_DATA_DIR: cwd, ...env } });
  return { url, cwd, run };
}

test('FAAS_DEBUG=1 tells each request on stderr, without what proves who asks', async (t) => {
  differs('variable', 'faas-cli FAAS_DEBUG', 'told on stderr, with tokens and values of secrets left out');
  const { url, run } = await createBench(t);
  const plain = await run('list -o json', {});
  const told = await run('list -o json', { FAAS_DEBUG: '1' });
  assert.deepEqual([plain.stderr, told.stdout], ['', plain.stdout]);
  assert.ok(told.stderr.startsWith(`GET ${url}/system/functions`), told.stderr);
  assert.match(told.stderr, /^authorization: Basic REDACTED$/m);
  assert.ok(!told.stderr.includes(encoded) && !told.stderr.includes(fakeLogin.password));
  const token = await run('list --token a-bearer-token', { FAAS_DEBUG: '1' });
  assert.match(token.stderr, /^authorization: Bearer REDACTED$/m);
  assert.ok(!token.stderr.includes('a-bearer-token'));
});

test('values of secrets, and headers that look like them, are told by neither variable', async (t) => {
  const { run } = await createBench(t);
  for (const env of [{ FAAS_DEBUG: '1' }, { OPENFAAS_DUMP_HTTP: 'true' }]) {
    const made = await run('secret create api-key --trim=false', env, 'a-value-nobody-may-see');
    assert.match(made.stderr, /"name":"api-key"/);
    assert.match(made.stderr, /"(value|rawValue)":"REDACTED"/);
    const called = await run('invoke hello -H X-Api-Key:a-value-nobody-may-see -H Cookie:a-value-nobody-may-see', env);
    assert.match(called.stderr, /^(x-api-key): REDACTED$/im);
    for (const { stderr } of [made, called]) {
      assert.ok(!stderr.includes('a-value-nobody-may-see') && !stderr.includes(encoded), stderr);
      assert.ok(!stderr.includes(Buffer.from('a-value-nobody-may-see').toString('base64')), stderr);
    }
  }
});

test('OPENFAAS_DUMP_HTTP=true shows requests as they go over the wire, bodies of text whole', async (t) => {
  differs('variable', 'faas-cli OPENFAAS_DUMP_HTTP', 'on stderr, with tokens and values of secrets left out');
  const { url, run } = await createBench(t);
  const { stderr } = await run('invoke hello --query a=b', { OPENFAAS_DUMP_HTTP: 'true' }, 'the body');
  const host = new URL(url).host.replaceAll('.', '\\.');
  assert.match(stderr, new RegExp(`^POST /function/hello\\S*\\?a=b HTTP/1\\.1\\nHost: ${host}\\n(.+: .*\\n)*\\n`));
  const built = await run('namespace create team --label a=b', { OPENFAAS_DUMP_HTTP: 'true' });
  assert.match(built.stderr, /\n\n\{"name":"team".*\}\n$/);
  assert.equal((await run('list', { OPENFAAS_DUMP_HTTP: '1' })).stderr, '');
});

test('FAAS_DEBUG=1 tells how git is called', async (t) => {
  const { cwd, run } = await createBench(t);
  const repository = join(cwd, 'templates');
  mkdirSync(join(repository, 'template', 'mine'), { recursive: true });
  writeFileSync(join(repository, 'template', 'mine', 'template.yml'), 'language: mine\nfprocess: cat\n');
  const git = (...args: readonly string[]): unknown =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@x', ...args], { cwd: repository, encoding: 'utf8' });
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'one');
  const { stderr } = await run(`template pull ${repository}`, { FAAS_DEBUG: '1', PATH: process.env['PATH'] ?? '' });
  assert.match(stderr, /^\[git\] git .*clone/m);
  assert.equal(
    withoutUserInfo('clone https://me:pass@host/x.git ssh://git@host/y'),
    'clone https://REDACTED@host/x.git ssh://REDACTED@host/y',
  );
});
