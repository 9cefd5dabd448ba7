import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.ts';
import type { Shell } from '../terminal/shell.ts';
import { createSink } from '../testing/test-shell.ts';
import { authFilePath, forgetLogin, readSavedLogin, saveLogin } from './auth-file.ts';
import { findCredentials } from './credentials.ts';

const local = 'http://127.0.0.1:8080';

function shellIn(folder: string, env: Record<string, string> = {}): Shell {
  const sink = createSink();
  const signal = new AbortController().signal;
  return { env, cwd: folder, home: folder, signal, stdin: process.stdin, stdout: sink, stderr: sink };
}

test('a saved login is in the file and form of faas-cli, readable by its owner only', async (t) => {
  const folder = tempDir(t);
  const file = authFilePath(shellIn(folder));
  await saveLogin(file, local, { user: 'admin', password: 'a:b' });
  assert.equal(file, join(folder, '.openfaas', 'config.yml'));
  assert.equal(
    readFileSync(file, 'utf8'),
    'auths:\n  - gateway: http://127.0.0.1:8080\n    auth: basic\n    token: YWRtaW46YTpi\n',
  );
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(await readSavedLogin(file, local), { user: 'admin', password: 'a:b' });
});

test('a login replaces the one of the same gateway and leaves all others', async (t) => {
  const file = authFilePath(shellIn(tempDir(t)));
  mkdirSync(join(file, '..'));
  writeFileSync(
    file,
    'auths:\n- {gateway: "http://other", auth: oauth2, token: jwt, options: [x]}\n- {gateway: "http://127.0.0.1:8080/", auth: basic, token: b2xk}\n',
  );
  await saveLogin(file, local, { user: 'u', password: 'p' });
  const text = readFileSync(file, 'utf8');
  assert.match(text, /oauth2\n\s+token: jwt\n\s+options:/);
  assert.doesNotMatch(text, /b2xk/);
  assert.deepEqual(await readSavedLogin(file, 'http://other'), { token: 'jwt' });
  assert.equal(await forgetLogin(file, local), true);
  assert.equal(await forgetLogin(file, local), false);
  assert.deepEqual(await readSavedLogin(file, 'http://other'), { token: 'jwt' });
});

test('OPENFAAS_CONFIG names the folder, and CI keeps it in the working folder', () => {
  const shell = { env: { OPENFAAS_CONFIG: '~/conf' }, cwd: '/work', home: '/home/me' };
  assert.equal(authFilePath(shell), '/home/me/conf/config.yml');
  assert.equal(authFilePath({ ...shell, env: { CI: 'true' } }), '/work/.openfaas/config.yml');
});

test('a file of another shape is refused instead of overwritten', async (t) => {
  const file = authFilePath(shellIn(tempDir(t)));
  mkdirSync(join(file, '..'));
  for (const text of ['auths: {a: b}', 'auths: [', 'just text']) {
    writeFileSync(file, text);
    await assert.rejects(saveLogin(file, local, { user: 'u', password: 'p' }), { code: 'invalid' }, text);
    assert.equal(readFileSync(file, 'utf8'), text);
  }
});

test('without a login the password of the data folder is found, for gateways of this machine only', async (t) => {
  const folder = tempDir(t);
  const shell = shellIn(folder, { TINDERBOX_DATA_DIR: join(folder, 'data') });
  assert.equal(await findCredentials(shell, local, undefined), undefined);
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data', 'password'), 'generated\n');
  assert.deepEqual(await findCredentials(shell, local, undefined), { user: 'admin', password: 'generated' });
  assert.equal(await findCredentials(shell, 'http://example.com', undefined), undefined);
  assert.equal(await findCredentials(shell, local, join(folder, 'elsewhere')), undefined);
});

test('a saved login outranks the data folder', async (t) => {
  const folder = tempDir(t);
  writeFileSync(join(folder, 'password'), 'generated');
  const shell = shellIn(folder);
  await saveLogin(authFilePath(shell), local, { user: 'me', password: 'mine' });
  assert.deepEqual(await findCredentials(shell, local, folder), { user: 'me', password: 'mine' });
});
