import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { findProgram } from './find-program.ts';

test('a program is found in PATH, or beside the function when its name has a slash', (t) => {
  const dir = tempDir(t);
  writeFileSync(join(dir, 'fn.sh'), '#!/bin/sh\n', { mode: 0o755 });
  assert.equal(findProgram('./fn.sh', dir, ''), join(dir, 'fn.sh'));
  assert.equal(findProgram('fn.sh', '/', `/nowhere:${dir}`), join(dir, 'fn.sh'));
  assert.equal(findProgram('fn.sh', dir, '.'), join(dir, 'fn.sh'));
  assert.match(findProgram('sh', dir), /\/sh$/);
});

test('a folder of PATH that cannot be entered hides nothing in a later one, and is the reason when there is nothing', (t) => {
  const dir = tempDir(t);
  writeFileSync(join(dir, 'fn.sh'), '#!/bin/sh\n', { mode: 0o755 });
  const closed = join(dir, 'round');
  symlinkSync(closed, closed);
  assert.equal(findProgram('fn.sh', dir, `${closed}:${dir}`), join(dir, 'fn.sh'));
  const message = `the program "other.sh" cannot be run: ${join(closed, 'other.sh')} cannot be reached: ELOOP`;
  assert.throws(() => findProgram('other.sh', dir, `${closed}:${dir}`), { message });
});

test('what cannot be run is named with the reason', (t) => {
  const dir = tempDir(t);
  writeFileSync(join(dir, 'plain.txt'), 'text');
  writeFileSync(join(dir, 'odd.sh'), '#!/usr/bin/nothing -x\n', { mode: 0o755 });
  const cases: [string, RegExp][] = [
    ['absent', /"absent" was not found: it is not in PATH \(\/usr\/bin:\/bin\)/],
    ['./absent.sh', /"\.\/absent\.sh" was not found: there is no \/.*absent\.sh/],
    ['./plain.txt', /"\.\/plain\.txt" cannot be run: .*plain\.txt may not be executed by uid \d+/],
    ['./odd.sh', /odd\.sh" cannot be run: its first line names \/usr\/bin\/nothing, which is not there/],
    ['./', /is not a file/],
    ['', /empty/],
  ];
  for (const [name, reason] of cases) assert.throws(() => findProgram(name, dir, '/usr/bin:/bin'), { message: reason });
});
