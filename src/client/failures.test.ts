import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { requirement } from '../../test/support/require.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import type { TinderboxError } from '../model/errors.ts';
import { createClient } from './client.ts';

async function listen(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function failureAt(gateway: string): Promise<TinderboxError> {
  const result = await createClient({ gateway }).functions.list();
  assert.ok(!result.ok);
  return result.error;
}

test('a certificate nobody vouches for is told as what it is, with both ways on', async (t) => {
  const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
  if (!requirement(t, hasOpenssl, 'certificates are made with openssl')) return;
  const dir = tempDir(t);
  const made = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-keyout',
    'key',
    '-out',
    'cert',
  ];
  execFileSync('openssl', made, { cwd: dir, stdio: 'ignore' });
  const [key, cert] = [readFileSync(join(dir, 'key')), readFileSync(join(dir, 'cert'))];
  const place = await listen(
    t,
    createSecureServer({ key, cert }, (_, response) => response.end('[]')),
  );
  const { code, message, hint } = await failureAt(`https://${place}`);
  assert.deepEqual(
    [code, message],
    ['bad-reply', `the certificate of https://${place} is not trusted: self-signed certificate`],
  );
  assert.match(hint ?? '', /NODE_EXTRA_CA_CERTS.*--tls-no-verify/);
  const client = createClient({ gateway: `https://${place}`, anyCertificate: true });
  assert.deepEqual(await client.functions.list(), { ok: true, data: [] });
});

test('a gateway that speaks plain HTTP where TLS is asked for is told with its other address', async (t) => {
  const place = await listen(t, createServer());
  const { code, hint } = await failureAt(`https://${place}`);
  assert.deepEqual([code, hint], ['bad-reply', `is it http://${place}?`]);
});

test('a port no request goes to is told as such', async () => {
  const { code, message, hint } = await failureAt('http://127.0.0.1:10080');
  assert.equal(code, 'invalid');
  assert.match(message, /^no request goes to the port of http:\/\/127\.0\.0\.1:10080: /);
  assert.match(hint ?? '', /another port/);
});
