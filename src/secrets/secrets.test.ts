import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { createMemoryStore } from '../store/memory/memory-store.ts';
import type { Store } from '../store/store.ts';
import { createSecrets, type Secrets } from './secrets.ts';

interface Setup {
  readonly store: Store;
  readonly keyFile: string;
  readonly secrets: Secrets;
}

async function setUp(t: TestContext): Promise<Setup> {
  const store = createMemoryStore();
  const keyFile = join(tempDir(t), 'secrets.key');
  return { store, keyFile, secrets: await createSecrets({ store, keyFile }) };
}

async function text(secrets: Secrets, name: string): Promise<string | undefined> {
  return (await secrets.get('ns', name))?.value.toString();
}

test('a value comes back as it was, also after a restart, and is not readable in the store', async (t) => {
  const { store, keyFile, secrets } = await setUp(t);
  const value = Buffer.from([0, 255, 10, 13, ...Buffer.from('pässword')]);
  const version = await secrets.put('ns', 'api.key', value);
  assert.deepEqual(await secrets.get('ns', 'api.key'), { value, version });
  const again = await createSecrets({ store, keyFile });
  assert.deepEqual(await again.get('ns', 'api.key'), { value, version });
  const stored = JSON.stringify(await store.list(''));
  assert.ok(!stored.includes(value.toString('base64').slice(0, 8)) && !stored.includes('ssword'));
  assert.equal(statSync(keyFile).mode & 0o777, 0o600);
  assert.equal(await secrets.get('ns', 'other'), undefined);
});

test('create, update and any say no in their own way', async (t) => {
  const { secrets } = await setUp(t);
  const value = Buffer.from('v');
  await assert.rejects(secrets.put('ns', 's', value, { mode: 'update' }), { code: 'not-found', message: /"s".*"ns"/ });
  const first = await secrets.put('ns', 's', value, { mode: 'create' });
  await assert.rejects(secrets.put('ns', 's', value, { mode: 'create' }), { code: 'conflict', message: /"s".*"ns"/ });
  const second = await secrets.put('ns', 's', value, { mode: 'update' });
  assert.ok(second > first);
  assert.equal(await secrets.delete('ns', 's'), true);
  assert.equal(await secrets.delete('ns', 's'), false);
});

test('versions grow even when the clock stands still or a name is made again', async (t) => {
  const store = createMemoryStore();
  let now = 1000;
  const secrets = await createSecrets({ store, keyFile: join(tempDir(t), 'key'), now: () => now });
  const value = Buffer.from('v');
  assert.deepEqual([await secrets.put('ns', 's', value), await secrets.put('ns', 's', value)], [1000, 1001]);
  await secrets.delete('ns', 's');
  now = 2000;
  assert.equal(await secrets.put('ns', 's', value), 2000);
});

test('of two that create the same name at once, one wins', async (t) => {
  const { secrets } = await setUp(t);
  const both = ['a', 'b'].map((value) => secrets.put('ns', 's', Buffer.from(value), { mode: 'create' }));
  const results = await Promise.allSettled(both);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  assert.equal(await text(secrets, 's'), 'a');
});

test('a list has the names of one namespace, in order', async (t) => {
  const { secrets } = await setUp(t);
  for (const name of ['b', 'a', 'c.d']) await secrets.put('ns', name, Buffer.from(name));
  await secrets.put('ns2', 'other', Buffer.from(''));
  assert.deepEqual(await secrets.list('ns'), ['a', 'b', 'c.d']);
  assert.deepEqual(await secrets.list('empty'), []);
});

test('names that are none, and values above 1 MiB, are refused', async (t) => {
  const { secrets } = await setUp(t);
  for (const name of ['', '../x', 'a/b', '.a', 'a\n', 'x'.repeat(254)]) {
    await assert.rejects(secrets.put('ns', name, Buffer.from('v')), { code: 'invalid' });
    await assert.rejects(secrets.get('ns', name), { code: 'invalid' });
  }
  await assert.rejects(secrets.list('n/s'), { code: 'invalid' });
  await secrets.put('ns', 'largest', Buffer.alloc(1024 * 1024));
  await assert.rejects(secrets.put('ns', 'larger', Buffer.alloc(1024 * 1024 + 1)), { code: 'too-large' });
});

test('a missing key over existing secrets refuses to start and makes no new one', async (t) => {
  const { store, keyFile, secrets } = await setUp(t);
  await secrets.put('ns', 's', Buffer.from('v'));
  rmSync(keyFile);
  await assert.rejects(createSecrets({ store, keyFile }), { code: 'config', message: /missing.*1 secrets/ });
  assert.equal(existsSync(keyFile), false);
});

test('a wrong key, a broken file and one that others may read refuse to start', async (t) => {
  const { store, keyFile, secrets } = await setUp(t);
  await secrets.put('ns', 's', Buffer.from('v'));
  const right = readFileSync(keyFile, 'utf8');
  for (const wrong of [
    `${Buffer.alloc(32, 7).toString('base64')}\n`,
    'c2hvcnQ=\n',
    'not base64\n',
    '# nothing\n',
    '',
  ]) {
    writeFileSync(keyFile, wrong);
    await assert.rejects(createSecrets({ store, keyFile }), { code: 'config' }, wrong);
    assert.equal(readFileSync(keyFile, 'utf8'), wrong);
  }
  writeFileSync(keyFile, right);
  chmodSync(keyFile, 0o640);
  await assert.rejects(createSecrets({ store, keyFile }), {
    code: 'config',
    message: /0640/,
    hint: `chmod 600 ${keyFile}`,
  });
});

test('an entry moved to another name, or changed, is not decrypted', async (t) => {
  const { store, keyFile, secrets } = await setUp(t);
  await secrets.put('ns', 'mine', Buffer.from('v'));
  const record = (await store.get('secrets/ns/mine'))?.value as { version: number };
  await store.put('secrets/ns/yours', record);
  await assert.rejects(secrets.get('ns', 'yours'), { code: 'config' });
  await store.put('secrets/ns/mine', { ...record, version: record.version + 1 });
  await assert.rejects(secrets.get('ns', 'mine'), { code: 'config' });
  await store.put('secrets/ns/mine', { ...record, data: 'AAAA' });
  await assert.rejects(secrets.get('ns', 'mine'), { code: 'config' });
  await assert.rejects(createSecrets({ store, keyFile }), { code: 'config' });
});

test('rotation encrypts everything with a new key and forgets the old one, also beside writes', async (t) => {
  const { store, keyFile, secrets } = await setUp(t);
  const old = `${keyFile}.copy`;
  copyFileSync(keyFile, old);
  const version = await secrets.put('ns', 'before', Buffer.from('before'));
  const [id] = await Promise.all([secrets.rotate(), secrets.put('ns', 'during', Buffer.from('during'))]);
  for (const { value } of await store.list('secrets/')) assert.equal((value as { keyId: string }).keyId, id);
  const again = await createSecrets({ store, keyFile });
  assert.deepEqual(await again.get('ns', 'before'), { value: Buffer.from('before'), version });
  assert.equal(await text(again, 'during'), 'during');
  await assert.rejects(createSecrets({ store, keyFile: old }), { code: 'config' });
});

test('a crash at any write of a rotation loses nothing, and the next rotation finishes it', async (t) => {
  for (let survived = 0; survived <= 3; survived++) {
    const inner = createMemoryStore();
    const keyFile = join(tempDir(t), 'secrets.key');
    const before = await createSecrets({ store: inner, keyFile });
    for (const name of ['a', 'b', 'c']) await before.put('ns', name, Buffer.from(name));
    let left = survived;
    const dying: Store = {
      get: (key) => inner.get(key),
      put: (key, value, expected) =>
        left-- > 0 ? inner.put(key, value, expected) : Promise.reject(new Error('crash')),
      delete: (key, expected) => inner.delete(key, expected),
      list: (prefix) => inner.list(prefix),
      watch: (prefix, listener) => inner.watch(prefix, listener),
      close: () => inner.close(),
    };
    const rotation = (await createSecrets({ store: dying, keyFile })).rotate();
    await (survived < 3 ? assert.rejects(rotation, /crash/) : rotation);
    const after = await createSecrets({ store: inner, keyFile });
    for (const name of ['a', 'b', 'c']) assert.equal(await text(after, name), name);
    await after.rotate();
    assert.equal(readFileSync(keyFile, 'utf8').trim().split('\n').length, 2, 'a heading and one key');
    const last = await createSecrets({ store: inner, keyFile });
    for (const name of ['a', 'b', 'c']) assert.equal(await text(last, name), name);
  }
});
