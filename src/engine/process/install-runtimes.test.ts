import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { isOpenToOthers } from '../../sandbox/find-obstacles.ts';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { collectModules } from './install-modules.ts';
import { installNode } from './install-node.ts';
import { installRuntimes } from './install-runtimes.ts';

test('the keeper and the shims are installed as plain JavaScript that everyone can read and nobody can change', async (t) => {
  const runDir = tempDir(t);
  const before = process.umask(0o077);
  const installed = await installRuntimes({ runDir, otherUsers: true });
  process.umask(before);
  assert.doesNotMatch(readFileSync(installed.keeperMain, 'utf8'), /\.ts'|interface |: string/);
  for (const main of [installed.keeperMain, installed.nodeMain]) {
    assert.ok(main);
    assert.equal(statSync(main).mode & 0o777, 0o644);
    assert.equal(statSync(dirname(main)).mode & 0o777, 0o755);
    execFileSync(process.execPath, ['--check', main]);
  }
  assert.deepEqual(await installRuntimes({ runDir, otherUsers: true }), installed);
  assert.equal(readdirSync(join(runDir, 'runtime')).filter((name) => name.startsWith('.')).length, 0);
});

test('a changed source is installed beside what is in use', async (t) => {
  const [sourceRoot, runDir] = [tempDir(t), tempDir(t)];
  const keeper = join(sourceRoot, 'engine/process/keeper');
  mkdirSync(keeper, { recursive: true });
  writeFileSync(join(keeper, 'main.ts'), "import { a } from './a.ts';\nconst b: number = a;\n");
  writeFileSync(join(keeper, 'a.ts'), 'export const a = 1;\n');
  const first = await installRuntimes({ runDir, otherUsers: false, sourceRoot });
  writeFileSync(join(keeper, 'a.ts'), 'export const a = 2;\n');
  const second = await installRuntimes({ runDir, otherUsers: false, sourceRoot });
  assert.notEqual(first.keeperMain, second.keeperMain);
  assert.match(readFileSync(second.keeperMain, 'utf8'), /const a = 2;/);
  assert.equal(second.nodeMain, undefined);
});

test('what is only imported as a type is not installed; published JavaScript is taken as it is', (t) => {
  const root = tempDir(t);
  writeFileSync(join(root, 'main.js'), "import { a } from './a.js';\nexport { b } from './deep/b.js';\n");
  writeFileSync(join(root, 'a.js'), 'export const a = 1;\n');
  mkdirSync(join(root, 'deep'));
  writeFileSync(join(root, 'deep', 'b.js'), "export const b = await import('../a.js');\n");
  const { texts } = collectModules(root, ['main', 'absent']);
  assert.deepEqual([...texts.keys()].sort(), ['a.mjs', 'deep/b.mjs', 'main.mjs']);
  assert.match(texts.get('deep/b.mjs') ?? '', /import\('\.\.\/a\.mjs'\)/);
});

test('a Node binary in a closed folder is made reachable once', (t) => {
  const [closed, runDir] = [tempDir(t, 0o700), tempDir(t)];
  const node = join(closed, 'node');
  copyFileSync('/bin/true', node);
  chmodSync(node, 0o755);
  assert.equal(isOpenToOthers(node, 'read and execute'), false);
  const installed = installNode(node, runDir, true);
  assert.notEqual(installed, node);
  assert.equal(isOpenToOthers(installed, 'read and execute'), true);
  assert.equal(installNode(node, runDir, true), installed);
  assert.equal(installNode(node, runDir, false), node);
  chmodSync(node, 0o700);
  const other = tempDir(t);
  assert.equal(
    isOpenToOthers(installNode(node, other, true), 'read and execute'),
    true,
    'copied, for a link would be closed as well',
  );
});
