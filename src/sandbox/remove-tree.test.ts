import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { removeTree } from './remove-tree.ts';

test('a large tree is removed beside everything else, a small one at once, and links in them lead nowhere', async (t) => {
  const dir = tempDir(t);
  mkdirSync(join(dir, 'elsewhere/kept'), { recursive: true });
  for (const count of [3, 1000]) {
    const tree = join(dir, 'tree');
    mkdirSync(tree);
    symlinkSync(join(dir, 'elsewhere'), join(tree, 'link'));
    for (let each = 0; each < count; each += 1) writeFileSync(join(tree, `${each}`), '');
    const removed = removeTree(tree);
    assert.equal(existsSync(tree), count === 1000);
    await removed;
    assert.deepEqual([existsSync(tree), existsSync(join(dir, 'elsewhere/kept'))], [false, true]);
  }
});

test('nothing, a file, and a tree deeper than a path can be long are removed as well', async (t) => {
  const dir = tempDir(t);
  await removeTree(join(dir, 'nothing'));
  writeFileSync(join(dir, 'file'), '');
  await removeTree(join(dir, 'file'));
  const deep = join(dir, 'deep');
  mkdirSync(deep);
  const script = 'const n = "d".repeat(200); for (let i = 0; i < 30; i++) { fs.mkdirSync(n); process.chdir(n); }';
  execFileSync(process.execPath, ['-e', script], { cwd: deep, env: {} });
  await removeTree(deep);
  assert.deepEqual([existsSync(join(dir, 'file')), existsSync(deep)], [false, false]);
});
