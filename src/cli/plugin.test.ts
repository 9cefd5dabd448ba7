import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { tempDir } from '../../test/support/temp-dir.ts';
import { runInTest } from './testing/test-shell.ts';
import { covers } from '../../test/support/covers.ts';

const digestOf = (bytes: Buffer | string): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A registry with one plugin for two processors, which hands out a token to whoever asks. */
async function startRegistry(t: TestContext, tamper = false): Promise<string> {
  const tar = pack();
  tar.entry({ name: 'readme', mode: 0o644 }, 'x');
  tar.entry({ name: './pro', mode: 0o755 }, '#!/bin/sh\necho "pro $*"; cat; exit 7\n');
  tar.finalize();
  const layer = gzipSync(await buffer(tar));
  const manifest = JSON.stringify({ layers: [{ mediaType: 'x', digest: digestOf(layer), size: layer.length }] });
  const platforms = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture }));
  const index = JSON.stringify({ manifests: platforms.map((platform) => ({ digest: digestOf(manifest), platform })) });
  const base = '/v2/acme/tools/pro';
  const answers: Readonly<Record<string, string | Buffer>> = {
    [`${base}/manifests/latest`]: index,
    [`${base}/manifests/1.0`]: manifest,
    [`${base}/manifests/${digestOf(manifest)}`]: manifest,
    [`${base}/blobs/${digestOf(layer)}`]: tamper ? Buffer.alloc(layer.length) : layer,
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://registry');
    if (url.pathname === '/token') {
      const given = url.searchParams.get('scope') === 'pull:pro' && url.searchParams.get('service') === 'here';
      return void response.end(JSON.stringify({ token: given ? 'abc' : 'none' }));
    }
    if (request.headers.authorization !== 'Bearer abc') {
      const realm = `http://${request.headers.host}/token`;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="here",scope="pull:pro"` });
      return void response.end();
    }
    const found = answers[url.pathname];
    response.writeHead(found === undefined ? 404 : 200).end(found);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}/acme/tools`;
}

test('a plugin is got from a registry and is then a command', async (t) => {
  covers('command', 'plugin get');
  const [registry, cwd] = [await startRegistry(t), tempDir(t)];
  const got = await runInTest(['plugin', 'get', 'pro', '--registry', registry, '-v', '--arch', 'x86_64'], { cwd });
  assert.equal(got.exitCode, 0, got.stderr);
  const file = join(cwd, '.openfaas/plugins/pro');
  assert.equal(got.stdout, `Wrote ${file}; use it with: tinderbox pro\n`);
  assert.equal(statSync(file).mode & 0o777, 0o755);
  const env = { PATH: process.env['PATH'] ?? '' };
  const run = await runInTest(['pro', 'auth', '--flag'], { cwd, env, stdin: 'input' });
  assert.deepEqual(run, { exitCode: 7, stdout: 'pro auth --flag\ninput', stderr: '' });
  const options = ['--version', '1.0', '--path', 'here', '--os', 'linux', '--arch', 'aarch64'];
  assert.equal(
    (await runInTest(['plugin', 'get', 'pro', '--registry', `http://${registry}/`, ...options], { cwd })).exitCode,
    0,
  );
  assert.deepEqual(readFileSync(join(cwd, 'here/pro')), readFileSync(file));
});

test('what is not there, or is not what it should be, is refused and not written', async (t) => {
  const [registry, broken, cwd] = [await startRegistry(t), await startRegistry(t, true), tempDir(t)];
  const get = async (...words: readonly string[]): Promise<string> => {
    const { exitCode, stderr } = await runInTest(['plugin', 'get', ...words], { cwd });
    assert.notEqual(exitCode, 0);
    return stderr;
  };
  assert.match(await get('pro', '--registry', registry, '--version', '9'), /there is no .*acme\/tools\/pro:9\n/);
  assert.match(
    await get('pro', '--registry', registry, '--arch', 'mips'),
    /not there for linux\/mips\nhint: it is for: linux\/amd64, linux\/arm64/,
  );
  assert.match(
    await get('pro', '--registry', broken, '--os', 'linux', '--arch', 'amd64'),
    /is not what its digest sha256:/,
  );
  assert.match(await get('../pro', '--registry', registry), /plugin name "\.\.\/pro" is not valid/);
  assert.match(await get('pro', '--registry', '127.0.0.1:1/x'), /the registry 127\.0\.0\.1:1 cannot be reached/);
  assert.ok(!existsSync(join(cwd, '.openfaas')));
});

test('a plugin takes the place of no command, and a file that is no program is none', async (t) => {
  const cwd = tempDir(t);
  mkdirSync(join(cwd, '.openfaas/plugins'), { recursive: true });
  writeFileSync(join(cwd, '.openfaas/plugins/version'), '#!/bin/sh\necho taken\n', { mode: 0o755 });
  writeFileSync(join(cwd, '.openfaas/plugins/notes'), 'text');
  assert.match((await runInTest(['version', '--short'], { cwd })).stdout, /^\d+\./);
  assert.match((await runInTest(['notes'], { cwd })).stderr, /unknown command 'notes'/);
});
