import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from '../store/memory/memory-store.ts';
import { followRecords } from './follow-records.ts';

test('a record that is deleted while the folder is listed does not come back with the list', async () => {
  const store = createMemoryStore();
  await store.put('a/1', 'one');
  await store.put('a/2', 'two');
  const list = async (folder: string) => {
    const entries = await store.list(folder);
    await store.delete('a/1');
    return entries;
  };
  const now = new Map<string, unknown>();
  const stop = await followRecords({ list, watch: store.watch.bind(store) }, 'a/', (key, value) => {
    if (value === undefined) now.delete(key);
    else now.set(key, value);
  });
  assert.deepEqual([...now], [['a/2', 'two']]);
  await store.put('a/1', 'again');
  assert.equal(now.get('a/1'), 'again');
  stop();
});
