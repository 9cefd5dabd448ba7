import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deployFiles } from '../support/deploy.ts';
import { usePlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

const strace = '/usr/bin/strace';

test('a call nobody waits for is synced to the disk between its arrival and its 202', async (t) => {
  if (!requirement(t, existsSync(strace), 'strace is not installed')) return;
  const platform = await usePlatform(t);
  await deployFiles(platform, 'hello', { 'handler.js': "module.exports = async () => 'hello';" });
  const send = (): Promise<Response> =>
    fetch(`${platform.url}/async-function/hello`, { method: 'POST', body: 'traced', headers: { 'X-Delay': '1h' } });
  // The first call opens the queue.
  assert.equal((await send()).status, 202);
  const file = join(tempDir(t), 'trace');
  const calls = 'trace=read,write,writev,pwrite64,fsync,fdatasync';
  const tracer = spawn(strace, ['-f', '-y', '-s', '64', '-e', calls, '-o', file, '-p', String(platform.pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  tracer.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until('strace to be attached', () => said.includes('attached'));
  assert.equal((await send()).status, 202);
  tracer.kill('SIGINT');
  await once(tracer, 'exit');
  const lines = readFileSync(file, 'utf8').split('\n');
  const find = (what: RegExp): number => lines.findIndex((line) => what.test(line));
  const arrival = find(/POST \/async-function\/hello/);
  const append = find(/pwrite64\(\d+<.*queue\.db-wal>/);
  const sync = find(/(fdatasync|fsync)\(\d+<.*queue\.db-wal>/);
  const answer = find(/write.*HTTP\/1\.1 202/);
  const order = [arrival, append, sync, answer];
  assert.ok(arrival >= 0, 'the call was seen');
  assert.deepEqual(
    order.toSorted((a, b) => a - b),
    order,
    `arrival, append, sync, answer:\n${lines.join('\n')}`,
  );
});
