import assert from 'node:assert/strict';
import { chmodSync, chownSync } from 'node:fs';
import { test } from 'node:test';
import { rootRequirement } from '../../test/support/require.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { assertUnshared } from './unshared.ts';

test('a folder in which others may write is refused', (t) => {
  const dir = tempDir(t, 0o711);
  assertUnshared('runDir', dir);
  for (const mode of [0o1777, 0o771]) {
    chmodSync(dir, mode);
    assert.throws(() => assertUnshared('runDir', dir), { code: 'config', message: new RegExp(mode.toString(8)) });
  }
});

test('a folder of somebody else is refused', (t) => {
  if (!rootRequirement(t)) return;
  const dir = tempDir(t, 0o711);
  chownSync(dir, 65_534, 0);
  assert.throws(() => assertUnshared('runDir', dir), { code: 'config', message: /belongs to uid 65534/ });
});
