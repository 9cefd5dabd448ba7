import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { nkeys } from '@nats-io/transport-node';
import { useNats } from '../../../test/support/nats-server.ts';
import { requirement } from '../../../test/support/require.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import type { NatsAccess } from '../../model/nats-access.ts';
import { connectNats } from './connect-nats.ts';

/** An authority, and what it says of a server and of a client. */
function certificates(t: TestContext): (name: string) => string {
  const dir = tempDir(t);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  writeFileSync(join(dir, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  for (const who of ['server', 'client']) {
    openssl('req', ...key.slice(0, 3), '-subj', `/CN=${who}`, '-keyout', `${who}.key`, '-out', `${who}.csr`);
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
    openssl('x509', '-req', '-in', `${who}.csr`, ...by, '-out', `${who}.pem`);
  }
  return (name) => join(dir, name);
}

async function reach(t: TestContext, access: NatsAccess): Promise<void> {
  const connection = await connectNats(access, 'test');
  t.after(() => connection.close());
  await connection.flush();
}

test('TLS is spoken with a server whose authority is trusted, also when it asks for a certificate', async (t) => {
  const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
  if (!requirement(t, hasOpenssl, 'certificates are made with openssl')) return;
  const file = certificates(t);
  const own = `cert_file: "${file('server.pem')}", key_file: "${file('server.key')}"`;
  const server = await useNats(t, { config: `tls { ${own} }` });
  if (server === undefined) return;
  const servers = [`tls://127.0.0.1:${server.port}`];
  await reach(t, { servers, tls: { caFile: file('ca.pem') } });
  await reach(t, { servers: [server.url], tls: { caFile: file('ca.pem') } });
  await assert.rejects(reach(t, { servers }), { code: 'config', message: /do not agree on TLS/ });
  const mutual = await useNats(t, { config: `tls { ${own}, ca_file: "${file('ca.pem')}", verify: true }` });
  assert.ok(mutual !== undefined);
  const strict = [`tls://127.0.0.1:${mutual.port}`];
  const shown = { certFile: file('client.pem'), keyFile: file('client.key') };
  await reach(t, { servers: strict, tls: { caFile: file('ca.pem'), ...shown } });
  await assert.rejects(reach(t, { servers: strict, tls: { caFile: file('ca.pem') } }));
  const plain = await useNats(t, { config: '' });
  assert.ok(plain !== undefined);
  await assert.rejects(reach(t, { servers: [`tls://127.0.0.1:${plain.port}`] }), (error: Error) => {
    assert.match(error.message, /TLS|tls/, 'what was asked to be secret is not sent in the clear');
    return true;
  });
});

test('a user with password, a token and a user with a key are let in, others are refused in words', async (t) => {
  const pair = nkeys.createUser();
  const seed = new TextDecoder().decode(pair.getSeed());
  const key = join(tempDir(t), 'user.nk');
  writeFileSync(key, `${seed}\n`);
  for (const [config, right, wrong] of [
    [
      'authorization { user: me, password: "s:cret" }',
      { user: 'me', password: 's:cret' },
      { user: 'me', password: 'wr0ng' },
    ],
    ['authorization { token: sesame }', { token: 'sesame' }, { token: 'wr0ng' }],
    [
      `authorization { users: [ { nkey: ${pair.getPublicKey()} } ] }`,
      { credsFile: key },
      { user: 'me', password: 'wr0ng' },
    ],
  ] as const) {
    const server = await useNats(t, { config });
    if (server === undefined) return;
    const servers = [server.url];
    await reach(t, { servers, ...right });
    await assert.rejects(reach(t, { servers, ...wrong }), (error: Error) => {
      assert.match(error.message, /refuses these credentials/);
      assert.doesNotMatch(JSON.stringify([error, error.message, error.stack]), /wr0ng/);
      return true;
    });
  }
});
