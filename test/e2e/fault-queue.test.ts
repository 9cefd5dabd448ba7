import assert from 'node:assert/strict';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CallLedger, ledgerFlags } from '../support/call-ledger.ts';
import { momentsMs } from '../support/kill-world.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { requirement } from '../support/require.ts';
import { tempDir } from '../support/temp-dir.ts';
import { tracesOf } from '../support/traces.ts';
import { until } from '../support/until.ts';

const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const hour = 3600;

/** A platform for whom the time of day is another one, by as many seconds as the returned function was told last. */
async function startElsewhen(
  t: TestContext,
): Promise<{ platform: TestPlatform; jump: (seconds: number) => Promise<void> }> {
  const file = join(tempDir(t), 'offset');
  const set = (seconds: number): void => {
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${file}.new`, file);
  };
  set(0);
  const env = {
    ...process.env,
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_RESET: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
  const root = join(import.meta.dirname, '../..');
  const command = [process.execPath, join(root, 'bin/tinderbox.mjs')];
  const platform = await startPlatform(ledgerFlags, undefined, { command, env });
  t.after(() => end(platform));
  // The library looks at the file once a second.
  const jump = async (seconds: number): Promise<void> => {
    set(seconds);
    await until('the platform to see it', async () => {
      const answer = await fetch(`${platform.url}/function/none`);
      await answer.arrayBuffer();
      const theirs = Number(answer.headers.get('x-start-time')?.slice(0, -6));
      return Math.abs(theirs - Date.now() - seconds * 1000) < 60_000;
    });
  };
  return { platform, jump };
}

async function end(platform: TestPlatform): Promise<void> {
  await platform.stop();
  const left = tracesOf(platform);
  await platform.dispose();
  assert.deepEqual(left, []);
}

/** Takes callbacks: while it is slow it holds them, and then breaks them off. */
async function openReceiver(t: TestContext) {
  const held: ServerResponse[] = [];
  const got = new Map<string, number>();
  const state = { slow: false };
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      if (state.slow) return void held.push(response);
      const id = String(request.headers['x-call-id']);
      got.set(id, (got.get(id) ?? 0) + 1);
      response.end();
    });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const breakOff = (): void => {
    state.slow = false;
    for (const response of held.splice(0)) response.destroy();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, held, got, state, breakOff };
}

suite('stored calls', { concurrency: 2 }, () => {
  test('outlive a clock that jumps: what is delayed falls due, and what runs does not run again', async (t) => {
    if (!requirement(t, existsSync(library), 'libfaketime is not installed (apt install faketime)')) return;
    const { platform, jump } = await startElsewhen(t);
    const ledger = await CallLedger.open(t, 'clock jump');
    await ledger.deploy(platform, 'long', 1500);
    await ledger.deploy(platform, 'told', 5);
    for (const moment of momentsMs) {
      await ledger.send(platform, 'long', 4);
      await ledger.send(platform, 'told', 10, { headers: { 'X-Delay': '1h' } });
      await until('the long ones to run', () => ledger.begun === 4);
      await delay(moment);
      await jump(2 * hour);
      await until('the delayed ones to run', () => ledger.begun === 14, 60_000);
      await ledger.send(platform, 'told', 10);
      await ledger.send(platform, 'long', 4);
      await jump(-26 * hour);
      await ledger.send(platform, 'told', 10);
      await ledger.close(platform, 0);
    }
    assert.equal(ledger.total.executed, 38 * momentsMs.length);
  });

  test('are not held up by a receiver that is slow, which gets all answers in the end', async (t) => {
    const flags = [...ledgerFlags, '--queue-callback-ranges', '127.0.0.1'];
    let platform = await startPlatform(flags);
    t.after(() => end(platform));
    const ledger = await CallLedger.open(t, 'slow callback receiver');
    await ledger.deploy(platform, 'told', 5);
    const [slow, quick] = [await openReceiver(t), await openReceiver(t)];
    for (const [round, moment] of momentsMs.entries()) {
      const before = { slow: slow.got.size, quick: quick.got.size };
      slow.state.slow = true;
      await ledger.send(platform, 'told', 30, { headers: { 'X-Callback-Url': slow.url } });
      await until('it to hold some', () => slow.held.length > 0);
      await ledger.send(platform, 'told', 30, { headers: { 'X-Callback-Url': quick.url } });
      await until('the answers for another one', () => quick.got.size === before.quick + 30, 60_000);
      await delay(moment);
      const killed = round % 2 === 1;
      if (killed) await platform.kill();
      slow.breakOff();
      if (killed) platform = await platform.restart();
      await ledger.close(platform, killed ? undefined : 0);
      assert.equal(slow.got.size, before.slow + 30);
    }
  });
});
