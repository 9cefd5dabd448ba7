import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { requirement } from '../../test/support/require.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { canRun, resolveInterpreter } from './runnable.ts';

const stranger = 300_001;
const own = process.getuid?.() ?? 0;
const group = process.getgid?.() ?? 0;

test('a file can be run only if every folder above it lets the user pass', async (t) => {
  const dir = tempDir(t, 0o755);
  const program = join(dir, 'a', 'b', 'program');
  mkdirSync(join(dir, 'a', 'b'), { recursive: true });
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
  assert.equal(await canRun(program, stranger, stranger), true);
  chmodSync(join(dir, 'a'), 0o700);
  assert.equal(await canRun(program, stranger, stranger), false);
  assert.equal(await canRun(program, own, group), true);
  chmodSync(join(dir, 'a'), 0o710);
  assert.equal(await canRun(program, stranger, stranger, [group]), true);
  chmodSync(program, 0o644);
  assert.equal(await canRun(program, own, group), false);
});

test('links are followed as the kernel does, and rings of them end', async (t) => {
  const dir = tempDir(t, 0o755);
  mkdirSync(join(dir, 'closed'), { mode: 0o700 });
  writeFileSync(join(dir, 'closed', 'program'), '', { mode: 0o755 });
  symlinkSync('closed/program', join(dir, 'link'));
  symlinkSync('ring', join(dir, 'ring'));
  assert.equal(await canRun(join(dir, 'link'), stranger, stranger), false);
  assert.equal(await canRun(join(dir, 'ring'), own, group), false);
  assert.equal(await canRun(join(dir, 'nothing'), own, group), false);
});

test('folders can be passed through or not', async (t) => {
  const dir = tempDir(t, 0o711);
  assert.equal(await canRun(dir, stranger, stranger), true);
  chmodSync(dir, 0o700);
  assert.equal(await canRun(dir, stranger, stranger), false);
});

test('an interpreter is the binary behind the shim, and the reasons against the others are told', async (t) => {
  const dir = tempDir(t, 0o755);
  const pretend = (name: string, text: string): string => {
    writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return join(dir, name);
  };
  mkdirSync(join(dir, 'home'), { mode: 0o700 });
  writeFileSync(join(dir, 'home', 'python'), '', { mode: 0o755 });
  const shim = pretend('shim', `echo ${dir}/home/python; echo ${dir}/home/os.py`);
  const broken = pretend('broken', 'exit 3');
  const mute = pretend('mute', 'true');
  const good = pretend('good', 'echo /bin/sh; echo /etc/passwd');
  const identity = { uid: stranger, gid: stranger, groups: [] };
  const found = await resolveInterpreter(['/nowhere/python', broken, mute, shim, good], identity);
  assert.equal(found.path, '/bin/sh');
  assert.match(found.reasons.join('\n'), /nowhere.*does not exist\n.*broken.*cannot be asked.*\n.*mute.*does not say/);
  assert.match(found.reasons.at(-1) ?? '', /user 300001 cannot pass .*\/home$/);
  assert.equal((await resolveInterpreter([shim], identity)).path, undefined);
});

test('the Python of the system resolves to a real file', async (t) => {
  const { path } = await resolveInterpreter(['/usr/bin/python3'], undefined);
  if (!requirement(t, path !== undefined, 'no /usr/bin/python3 here')) return;
  assert.ok(realpathSync(path ?? ''));
});
