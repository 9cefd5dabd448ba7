import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('the Python codec agrees with the shared vectors and survives arbitrary bytes', () => {
  const program = join(import.meta.dirname, 'frames.test.py');
  const vectors = join(import.meta.dirname, '../../../test/fixtures/frame-vectors.json');
  const { stdout, stderr } = spawnSync('python3', ['-B', '-I', program, vectors], { encoding: 'utf8' });
  assert.equal(stdout, 'ok\n', stderr);
});
