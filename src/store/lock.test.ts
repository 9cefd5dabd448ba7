import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { rootRequirement } from '../../test/support/require.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { lockFolder } from './lock.ts';

const module = JSON.stringify(join(import.meta.dirname, 'lock.ts'));

test('a second platform is told the folder and the pid of the first', async (t) => {
  const dir = join(tempDir(t), 'data');
  const holder = await startHolder(t, dir);
  await assert.rejects(lockFolder(dir), {
    code: 'conflict',
    message: `the data folder ${dir} is in use by process ${holder.pid}`,
  });
  assert.equal(statSync(dir).mode & 0o777, 0o700);
});

test('kill -9 of the holder frees the folder at once', async (t) => {
  const dir = tempDir(t);
  const holder = await startHolder(t, dir);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = await lockFolder(dir);
  lock.release();
});

test('one process cannot take a folder twice, and can again after releasing it', async (t) => {
  const dir = tempDir(t);
  const lock = await lockFolder(dir);
  await assert.rejects(lockFolder(dir), { code: 'conflict', message: new RegExp(`process ${process.pid}$`) });
  lock.release();
  lock.release();
  (await lockFolder(dir)).release();
});

test('a child that lives on does not keep the folder of its dead parent', async (t) => {
  const dir = tempDir(t);
  const program = `
    const { lockFolder } = await import(${module});
    await lockFolder(process.argv[1]);
    const { spawn } = await import('node:child_process');
    const { writeSync } = await import('node:fs');
    const child = spawn('sleep', ['30'], { stdio: 'ignore', detached: true });
    writeSync(1, String(child.pid));
    process.kill(process.pid, 'SIGKILL');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program, dir], { encoding: 'utf8' });
  const orphan = Number.parseInt(stdout, 10);
  assert.ok(orphan > 1, stderr);
  t.after(() => process.kill(orphan, 'SIGKILL'));
  process.kill(orphan, 0);
  (await lockFolder(dir)).release();
});

test('a folder that cannot be written is named with our uid', (t) => {
  if (!rootRequirement(t)) return;
  const parent = tempDir(t);
  chmodSync(parent, 0o755);
  const dir = join(parent, 'data');
  const program = `
    process.setegid(65534); process.seteuid(65534);
    const { lockFolder } = await import(${module});
    await lockFolder(process.argv[1]).catch((error) => console.log(error.code, error.message));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program, dir], { encoding: 'utf8' });
  assert.match(stdout, new RegExp(`^config the data folder ${dir} cannot be written by uid 65534`), stderr);
});

/** A second platform, as far as the lock goes. */
async function startHolder(t: TestContext, dir: string): Promise<ChildProcess> {
  const program = `
    const { lockFolder } = await import(${module});
    globalThis.lock = await lockFolder(process.argv[1]);
    console.log('locked');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', program, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}
