import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { requirement } from '../../test/support/require.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { resolveInterpreter } from './resolve-interpreter.ts';

const stranger = 300_001;

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
