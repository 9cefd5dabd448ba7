import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from './memory/memory-store.ts';
import { createMirror } from './mirror.ts';
import type { Change, Entry, Store } from './store.ts';

test('a mirror holds what was there, what others write and what it writes itself', async () => {
  const store = createMemoryStore();
  await store.put('a/x/1', 'one');
  await store.put('b/x/1', 'elsewhere');
  const heard: Change[] = [];
  const mirror = await createMirror(store, 'a/', (change) => heard.push(change));
  await store.put('a/x/2', 'two');
  await mirror.put('a/x/y/3', 'three', 0);
  assert.deepEqual(
    mirror.children('a/x').map(({ value }) => value),
    ['one', 'two'],
  );
  assert.deepEqual(
    [...mirror.all()].map(({ value }) => value),
    ['one', 'two', 'three'],
  );
  assert.equal(await mirror.delete('a/x/1'), true);
  await store.delete('a/x/2');
  assert.deepEqual(mirror.children('a/x'), []);
  assert.equal(heard.length, 4);
  mirror.close();
  await store.put('a/x/9', 'unseen');
  assert.equal(mirror.get('a/x/9'), undefined);
});

test('a write with a stale version is refused and leaves the mirror as it was', async () => {
  const store = createMemoryStore();
  const mirror = await createMirror(store, 'a/');
  const version = await mirror.put('a/1', 'first');
  await store.put('a/1', 'second');
  await assert.rejects(mirror.put('a/1', 'third', version), { code: 'conflict' });
  assert.equal(mirror.get('a/1')?.value, 'second');
  mirror.close();
});

test('what is deleted while the first list is on its way does not come back', async () => {
  const store = createMemoryStore();
  await store.put('a/1', 'old');
  await store.put('a/2', 'old');
  const slow: Store = {
    get: (key) => store.get(key),
    put: (key, value, expected) => store.put(key, value, expected),
    delete: (key, expected) => store.delete(key, expected),
    watch: (prefix, listener) => store.watch(prefix, listener),
    close: () => store.close(),
    list: async (prefix): Promise<readonly Entry[]> => {
      const entries = await store.list(prefix);
      await store.delete('a/1');
      await store.put('a/2', 'new');
      return entries;
    },
  };
  const mirror = await createMirror(slow, 'a/');
  assert.equal(mirror.get('a/1'), undefined);
  assert.equal(mirror.get('a/2')?.value, 'new');
  mirror.close();
});
