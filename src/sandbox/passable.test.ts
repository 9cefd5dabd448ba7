import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { assertPassable } from './passable.ts';

test('a folder others cannot pass is refused, naming the one in the way', (t) => {
  const dir = tempDir(t, 0o711);
  const open = join(dir, 'open');
  mkdirSync(join(dir, 'shut', 'inner'), { recursive: true, mode: 0o700 });
  mkdirSync(open, { mode: 0o711 });
  assertPassable('runDir', open);
  assert.throws(() => assertPassable('runDir', join(dir, 'shut', 'inner')), {
    code: 'config',
    message: /inner has mode 700/,
  });
});
