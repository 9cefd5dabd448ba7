import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { formatNamespaceRecordKey } from '../model/record-keys.ts';
import { createMemoryStore } from '../store/memory/memory-store.ts';
import { sweepCaches } from './sweep.ts';

test('the dependency cache of a namespace goes once the namespace is gone', async (t) => {
  const dir = tempDir(t);
  for (const namespace of ['openfaas-fn', 'here', 'gone']) {
    mkdirSync(join(dir, namespace, 'npm'), { recursive: true });
    writeFileSync(join(dir, namespace, 'npm', 'greeting.tgz'), 'x');
  }
  const store = createMemoryStore();
  await store.put(formatNamespaceRecordKey('here'), { name: 'here', createdAt: '' }, 0);
  await sweepCaches(dir, store);
  assert.deepEqual(readdirSync(dir).sort(), ['here', 'openfaas-fn']);
  await sweepCaches(join(dir, 'not-there'), store);
});
