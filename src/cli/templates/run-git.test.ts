import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { tempDir } from '../../../test/support/temp-dir.ts';

test('a process whose git was stopped ends, though what git had started goes on', async (t) => {
  const folder = tempDir(t);
  const note = join(folder, 'helper');
  // As git-remote-https does: it has the streams of its git, and hears of no signal that git alone gets.
  writeFileSync(join(folder, 'git'), `#!/bin/sh\nsleep 60 &\necho $! > ${note}.new\nmv ${note}.new ${note}\nwait\n`, {
    mode: 0o755,
  });
  const program = `
    import { existsSync } from 'node:fs';
    import { runGit } from ${JSON.stringify(join(import.meta.dirname, 'run-git.ts'))};
    const stop = new AbortController();
    const look = setInterval(() => { if (existsSync(${JSON.stringify(note)})) { clearInterval(look); stop.abort(); } }, 5);
    const shell = { env: process.env, cwd: '.', signal: stop.signal, stderr: process.stderr };
    await runGit(shell, ['clone']).catch(({ name }) => console.log(name));`;
  const PATH = `${folder}:${process.env['PATH']}`;
  const args = ['--input-type=module', '-e', program];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH }, timeout: 30_000 });
    assert.equal(stdout.trim(), 'AbortError');
  } finally {
    if (existsSync(note)) process.kill(Number(readFileSync(note, 'utf8')));
  }
});
