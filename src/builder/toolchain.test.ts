import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rootRequirement } from '../../test/support/require.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { createToolchain } from './toolchain.ts';

const systemPath = '/usr/local/bin:/usr/bin:/bin';
const asNobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];

test('npm in a private folder is copied to where a build’s own user can run it, once', async (t) => {
  if (!rootRequirement(t)) return;
  const root = tempDir(t);
  const secret = join(root, 'private');
  mkdirSync(join(secret, 'bin'), { recursive: true });
  mkdirSync(join(secret, 'lib/bin'), { recursive: true });
  writeFileSync(join(secret, 'lib/package.json'), '{"version":"1.2.3"}', { mode: 0o600 });
  writeFileSync(join(secret, 'lib/bin/npm-cli.js'), 'console.log("npm", require("../package.json").version)');
  symlinkSync('../lib/bin/npm-cli.js', join(secret, 'bin/npm'));
  chmodSync(secret, 0o700);
  const toolchain = createToolchain({ runDir: join(root, 'run'), toolPath: join(secret, 'bin') });
  mkdirSync(join(root, 'run'), { mode: 0o711 });
  const [first, second] = await Promise.all([toolchain.command('npm'), toolchain.command('npm')]);
  assert.deepEqual(first, second);
  assert.equal(first[1], join(root, 'run/tools/npm-1.2.3/bin/npm-cli.js'));
  const output = execFileSync('setpriv', [...asNobody, ...first], { encoding: 'utf8', cwd: '/' });
  assert.equal(output, 'npm 1.2.3\n');
});

test('a Node in a private folder is copied once, however many builds want it at the same time', async (t) => {
  if (!rootRequirement(t)) return;
  const [root, own] = [tempDir(t), process.execPath];
  t.after(() => Object.assign(process, { execPath: own }));
  mkdirSync(join(root, 'private'));
  writeFileSync(join(root, 'private/node'), '#!/bin/sh\n', { mode: 0o755 });
  chmodSync(join(root, 'private'), 0o700);
  Object.assign(process, { execPath: join(root, 'private/node') });
  const toolchain = createToolchain({ runDir: root, toolPath: join(root, 'private') });
  const [first, second] = await Promise.all([toolchain.command('node'), toolchain.command('node')]);
  assert.deepEqual([first, second], [first, [join(root, `tools/node-${process.versions.node}/bin/node`)]]);
});

test('the Python found has pip, and runs for a user without rights', async (t) => {
  const toolchain = createToolchain({ runDir: tempDir(t), toolPath: process.env['PATH'] ?? systemPath });
  const [python = ''] = await toolchain.command('python');
  const command = process.getuid?.() === 0 ? ['setpriv', ...asNobody, python] : ['env', python];
  const [file = '', ...args] = command;
  const output = execFileSync(file, [...args, '-c', 'import sys, pip; print(sys.version.split()[0])'], { cwd: '/' });
  assert.equal(`python ${output.toString().trim()}`, await toolchain.version(['python']));
});

test('what is not installed is named, with advice', async (t) => {
  const empty = createToolchain({ runDir: tempDir(t), toolPath: mkdtempSync(join(tempDir(t), 'bin-')) });
  const failed = { code: 'build-failed' };
  await assert.rejects(empty.command('pip'), { ...failed, message: /no python3 that a function may run/ });
  await assert.rejects(empty.command('npm'), { ...failed, message: /npm was found neither beside Node nor in/ });
  await assert.rejects(empty.command('make'), {
    ...failed,
    message: /^the build needs make, which was not found in \/.*bin-/,
    hint: 'install it for all users, on Debian and Ubuntu with: apt-get install make gcc',
  });
});

test('a tool only the platform’s user can reach is told from one that is not there', async (t) => {
  if (!rootRequirement(t)) return;
  const folder = mkdtempSync(join(tempDir(t), 'private-'));
  writeFileSync(join(folder, 'make'), '#!/bin/sh\n', { mode: 0o755 });
  const toolchain = createToolchain({ runDir: tempDir(t), toolPath: folder });
  await assert.rejects(toolchain.command('make'), {
    message: `the build needs make, which is at ${folder}/make, closed to others`,
  });
});
