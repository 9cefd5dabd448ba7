import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('calls of a Python instance are counted holding the lock that other threads count with', () => {
  const program = join(import.meta.dirname, 'hub.test.py');
  const { stdout, stderr } = spawnSync('python3', ['-B', '-I', program], { encoding: 'utf8' });
  assert.equal(stdout, 'ok\n', stderr);
});
