import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import nacl from 'tweetnacl';
import { stringify } from 'yaml';
import { tempDir } from '../../test/support/temp-dir.ts';
import { createBuilderKey } from './builder-key.ts';

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function seal(publicKey: string, secrets: Readonly<Record<string, string>>, change: object = {}): string {
  const sender = nacl.box.keyPair();
  const sealed = Object.entries(secrets).map(([name, value]) => {
    const nonce = randomBytes(24);
    const box = nacl.box(Buffer.from(value), nonce, Buffer.from(publicKey, 'base64'), sender.secretKey);
    return [name, base64(Buffer.concat([nonce, box]))];
  });
  const envelope = { version: 'v1', algorithm: 'nacl/box', key_id: publicKey.slice(0, 8), ...change };
  return stringify({ public_key: base64(sender.publicKey), secrets: Object.fromEntries(sealed), ...envelope });
}

test('what was sealed for the key that is told opens, also after a restart, and the key file is private', async (t) => {
  const file = join(tempDir(t), 'key');
  const first = await createBuilderKey(file);
  const envelope = seal(first.publicKey.public_key, { token: 'täglich', empty: '' });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const second = await createBuilderKey(file);
  assert.deepEqual(second.publicKey, first.publicKey);
  assert.equal(second.publicKey.algorithm, 'nacl/box');
  assert.deepEqual(await second.open(envelope), { token: Buffer.from('täglich'), empty: Buffer.alloc(0) });
});

test('what does not open is refused by name, without its value', async (t) => {
  const dir = tempDir(t);
  const own = await createBuilderKey(join(dir, 'key'));
  const { public_key: key } = own.publicKey;
  const other = (await createBuilderKey(join(dir, 'other'))).publicKey.public_key;
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`s${n}`, '']));
  const cases: readonly (readonly [envelope: string, message: RegExp])[] = [
    [seal(other, { token: 'x' }), /sealed for key "[^"]{8}", this platform has "[^"]{8}"/],
    [seal(other, { token: 'x' }, { key_id: key.slice(0, 8) }), /"token" does not open: another key/],
    [seal(key, {}, { version: 'v2' }), /"version"/],
    [seal(key, {}, { algorithm: 'rot13' }), /"algorithm"/],
    [seal(key, {}, { secrets: { token: 7 } }), /"secrets\.token"/],
    [seal(key, {}, { secrets: { token: 'c2hvcnQ=' } }), /"token" does not open/],
    [seal(key, {}, { public_key: 'short' }), /public_key of the sealed secrets is not base64 of 32 bytes/],
    [seal(key, { '../up': 'x' }), /secret name "\.\.\/up" is not valid/],
    [seal(key, many), /101 of them, the limit is 100/],
    ['a: [', /not YAML/],
    ['just text', /it is not a map/],
  ];
  for (const [envelope, message] of cases) {
    await assert.rejects(own.open(envelope), { code: 'invalid', message });
  }
});

test('a key file that others may read, or that is none, is refused', async (t) => {
  const file = join(tempDir(t), 'key');
  await createBuilderKey(file);
  chmodSync(file, 0o644);
  await assert.rejects(createBuilderKey(file), { code: 'config', message: /mode 0644/ });
  writeFileSync(file, 'not a key', { mode: 0o600 });
  chmodSync(file, 0o600);
  await assert.rejects(createBuilderKey(file), { code: 'config', message: /is not 32 bytes in base64/ });
  assert.equal(readFileSync(file, 'utf8'), 'not a key');
});
