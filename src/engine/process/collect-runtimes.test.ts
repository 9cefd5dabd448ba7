import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { collectRuntimes } from './collect-runtimes.ts';

test('installations nothing runs from are removed, those in use and what is not ours stay', async (t) => {
  const directory = tempDir(t);
  const [used, stale] = ['0123456789abcdef', 'fedcba9876543210'];
  for (const name of [used, stale, 'node-26.10.0', 'node-24.0.0', '.new-x1y2z3', 'somebody-elses']) {
    mkdirSync(join(directory, name, 'deep'), { recursive: true });
    writeFileSync(join(directory, name, 'deep', 'file'), '');
  }
  writeFileSync(join(directory, 'installed.json'), '{}');
  await collectRuntimes(directory, [join(directory, used), join(directory, 'node-26.10.0', 'node'), '/usr/bin/node']);
  assert.deepEqual(readdirSync(directory).sort(), [used, 'installed.json', 'node-26.10.0', 'somebody-elses']);
});
