import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { fakeLogin, startFakePlatform } from './testing/fake-platform.ts';
import { runInTest } from './testing/test-shell.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

test('what is created is shown, paused, resumed and deleted', async (t) => {
  const { url, state } = await startFakePlatform(t);
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'password'), fakeLogin.password);
  const run = async (...argv: string[]): Promise<string> => {
    const done = await runInTest(['trigger', ...argv], { cwd, env: { OPENFAAS_URL: url, TINDERBOX_DATA_DIR: cwd } });
    assert.equal(done.exitCode, 0, done.stderr);
    return done.stdout;
  };
  const nightly = ['--cron', '0 3 * * *', '--cron', '@every 6h', '--timezone', 'Europe/Berlin', '--missed', 'once'];
  await run('create', 'nightly', '--function', 'hello', '--path', '/x?y=1', '--header', 'A: b', ...nightly);
  assert.deepEqual(state.triggers.get('nightly')?.schedule, {
    expressions: ['0 3 * * *', '@every 6h'],
    timezone: 'Europe/Berlin',
    missed: 'once',
    overlap: 'allow',
    body: '',
  });
  assert.deepEqual(state.triggers.get('nightly')?.headers, { a: 'b' });
  const orders = ['--subject', 'orders.>', '--stream', 'ORDERS', '--create-stream', '--concurrency', '3'];
  const wanted = ['create', 'orders', '--function', 'hello', ...orders, '--error-topic', 'failed', '--replace'];
  assert.equal(await run(...wanted), 'Applied trigger orders of function hello.\n');
  assert.equal(await run(...wanted), 'Applied trigger orders of function hello.\n');
  assert.deepEqual(state.triggers.get('orders')?.nats, { subject: 'orders.>', stream: 'ORDERS', createStream: true });

  const list = (await run('list', '-o', 'wide')).split('\n').map((line) => line.trim().split(/\s{2,}|\t/));
  assert.deepEqual(list[1]?.slice(0, 6), [
    'nightly',
    'hello',
    'schedule',
    '0 3 * * *; @every 6h',
    'scheduled',
    '2026-01-02T00:00:00.000Z',
  ]);
  assert.deepEqual(list[2]?.slice(2, 10), [
    'nats (JetStream)',
    'ORDERS: orders.>',
    'connected',
    '-',
    '7',
    '3',
    '4',
    '3',
  ]);
  assert.equal(JSON.parse(await run('list', 'other', '-o', 'json')).length, 0);

  const shown = await run('describe', 'orders');
  assert.match(shown, /^Messages: +7 delivered, 1 under way, 2 tried again, 3 given up$/m);
  assert.match(shown, /^Given up to: +failed$/m);
  assert.match(await run('describe', 'nightly'), /^Next runs: +2026-01-02T.*\n {16}2026-01-03T/m);
  assert.match(await run('describe', 'nightly', '-o', 'yaml'), /timezone: Europe\/Berlin/);

  assert.equal(await run('pause', 'nightly'), 'Paused trigger nightly.\n');
  assert.match(await run('describe', 'nightly'), /^State: +paused$/m);
  await run('resume', 'nightly');
  assert.equal(state.triggers.get('nightly')?.paused, false);
  await run('delete', 'nightly');
  assert.equal(state.triggers.has('nightly'), false);
});

test('a trigger that is not there is named, with the exit code for that', async (t) => {
  const { url } = await startFakePlatform(t);
  const cwd = tempDir(t);
  writeFileSync(join(cwd, 'password'), fakeLogin.password);
  const done = await runInTest(['trigger', 'pause', 'nope'], {
    cwd,
    env: { OPENFAAS_URL: url, TINDERBOX_DATA_DIR: cwd },
  });
  assert.equal(done.exitCode, 3);
  assert.match(done.stderr, /trigger "nope" does not exist/);
});
