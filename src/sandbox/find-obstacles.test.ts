import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { findObstacle, isOpenToOthers } from './find-obstacles.ts';

const stranger = 300_001;
const own = process.getuid?.() ?? 0;
const group = process.getgid?.() ?? 0;

function canRun(path: string, uid: number, gid: number, groups: readonly number[] = []): boolean {
  return findObstacle(path, { uid, gid, groups }, 'execute') === undefined;
}

test('a file can be run only if every folder above it lets the user pass', (t) => {
  const dir = tempDir(t, 0o755);
  const program = join(dir, 'a', 'b', 'program');
  mkdirSync(join(dir, 'a', 'b'), { recursive: true });
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
  assert.equal(canRun(program, stranger, stranger), true);
  chmodSync(join(dir, 'a'), 0o700);
  assert.equal(canRun(program, stranger, stranger), false);
  assert.equal(canRun(program, own, group), true);
  chmodSync(join(dir, 'a'), 0o710);
  assert.equal(canRun(program, stranger, stranger, [group]), true);
  chmodSync(program, 0o644);
  assert.equal(canRun(program, own, group), false);
});

test('links are followed as the kernel does, and rings of them end', (t) => {
  const dir = tempDir(t, 0o755);
  mkdirSync(join(dir, 'closed'), { mode: 0o700 });
  writeFileSync(join(dir, 'closed', 'program'), '', { mode: 0o755 });
  symlinkSync('closed/program', join(dir, 'link'));
  symlinkSync('ring', join(dir, 'ring'));
  assert.equal(canRun(join(dir, 'link'), stranger, stranger), false);
  assert.equal(canRun(join(dir, 'ring'), own, group), false);
  assert.equal(canRun(join(dir, 'nothing'), own, group), false);
});

test('folders can be passed through or not', (t) => {
  const dir = tempDir(t, 0o711);
  assert.equal(canRun(dir, stranger, stranger), true);
  chmodSync(dir, 0o700);
  assert.equal(canRun(dir, stranger, stranger), false);
});

test('others need what everybody may do, whoever the platform is', (t) => {
  const dir = tempDir(t, 0o711);
  const file = join(dir, 'program');
  const open = (mode: number): boolean[] => {
    chmodSync(file, mode);
    return [isOpenToOthers(file, 'read'), isOpenToOthers(file, 'execute'), isOpenToOthers(file, 'read and execute')];
  };
  writeFileSync(file, '');
  assert.deepEqual([0o770, 0o774, 0o771, 0o775].map(open), [
    [false, false, false],
    [true, false, false],
    [false, true, false],
    [true, true, true],
  ]);
  chmodSync(dir, 0o770);
  assert.deepEqual(open(0o777), [false, false, false]);
  assert.deepEqual(findObstacle(file, { uid: stranger, gid: stranger, groups: [] }, 'read'), {
    at: dir,
    kind: 'pass',
    mode: 0o770,
  });
});
