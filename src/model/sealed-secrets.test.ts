import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSealingKeys, keyIdOf, parseSealedSecrets, sealSecrets, unsealSecrets } from './sealed-secrets.ts';

test('what is sealed for a key opens with its private half only, to the byte', () => {
  const keys = createSealingKeys();
  const value = Buffer.from([0, 255, 10, 13, 0]);
  const sealed = sealSecrets(keys.publicKey, { a: value, b: Buffer.from('text') });
  assert.deepEqual(unsealSecrets(keys.privateKey, sealed), { a: value, b: Buffer.from('text') });
  assert.deepEqual(unsealSecrets(keys.privateKey, sealed, 'b'), { b: Buffer.from('text') });
  assert.deepEqual([sealed.version, sealed.algorithm, sealed.key_id], ['v1', 'nacl/box', keyIdOf(keys.publicKey)]);
  assert.throws(() => unsealSecrets(createSealingKeys().privateKey, sealed), { message: /"a" does not open/ });
});

test('a box made by the library faas-cli uses opens', () => {
  // golang.org/x/crypto/nacl/box v0.39.0, keys of 32 sevens (receiver) and nines (sender), a nonce of ones.
  const sealed = parseSealedSecrets({
    version: 'v1',
    algorithm: 'nacl/box',
    key_id: 'E75P6ury',
    public_key: 'V9tLNZ8jrl4Ubk4lEgVnBHIlBjSMFQwUdT0Mkz0E1CE=',
    secrets: { k: 'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBMjppRq+qt/RMfwDjLmqDLtEJ0SVBGFA=' },
  });
  const privateKey = Buffer.alloc(32, 7).toString('base64');
  assert.deepEqual(unsealSecrets(privateKey, sealed), { k: Buffer.from('from Go') });
  assert.equal(keyIdOf('E75P6uryBMf9M1j8nAByGIHRdCeBKCJ+xnTzf3/pe20='), sealed.key_id);
});

test('changed boxes, other formats and unknown names are refused', () => {
  const keys = createSealingKeys();
  const sealed = sealSecrets(keys.publicKey, { a: Buffer.from('x') });
  const changed = { ...sealed, secrets: { a: `AAAA${sealed.secrets['a']?.slice(4)}` } };
  assert.throws(() => unsealSecrets(keys.privateKey, changed), { code: 'invalid' });
  assert.throws(() => unsealSecrets(keys.privateKey, { ...sealed, secrets: { a: 'AAAA' } }), { code: 'invalid' });
  const wrong = { version: 'v2', algorithm: 'x', key_id: 1, public_key: undefined, secrets: ['a'] };
  for (const [part, value] of Object.entries(wrong)) {
    const other: unknown = { ...sealed, [part]: value };
    assert.throws(() => parseSealedSecrets(other), { code: 'invalid', message: new RegExp(`: "${part}"$`) });
  }
  assert.throws(() => unsealSecrets(keys.privateKey, sealed, 'b'), { code: 'not-found' });
  assert.throws(() => sealSecrets('c2hvcnQ=', {}), { message: /public key is not base64 of 32 bytes/ });
});
