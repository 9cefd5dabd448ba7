import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CallLedger, ledgerFlags } from '../support/call-ledger.ts';
import { momentsMs } from '../support/kill-world.ts';
import { deployFiles } from '../support/deploy.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';
import { rootRequirement } from '../support/require.ts';
import { tracesOf } from '../support/traces.ts';

const diskBytes = 64 * 2 ** 20;

/** A platform whose data folder is a small disk of its own. */
class SmallDisk {
  platform!: TestPlatform;
  readonly #stateDir: string;
  readonly #filler: string;
  #ended = false;

  private constructor(base: string) {
    this.#stateDir = join(base, 's');
    this.#filler = join(this.#stateDir, 'filler');
  }

  static async start(t: TestContext): Promise<SmallDisk> {
    // Not a folder that is removed before the platform is stopped: what is mounted on it goes first.
    const disk = new SmallDisk(mkdtempSync(join(tmpdir(), 'tbd-')));
    const stateDir = disk.#stateDir;
    chmodSync(dirname(stateDir), 0o711);
    mkdirSync(stateDir);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes},mode=700`, 'tmpfs', stateDir]);
    try {
      disk.platform = await startPlatform(ledgerFlags, { stateDir, runDir: join(dirname(stateDir), 'r') });
    } catch (error) {
      execFileSync('umount', ['-l', stateDir]);
      throw error;
    }
    t.after(() => disk.end());
    return disk;
  }

  /** Stops the platform and removes its disk; nothing else may be left of it. Idempotent. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.platform.stop();
    const left = tracesOf(this.platform);
    execFileSync('umount', ['-l', this.#stateDir]);
    await this.platform.dispose();
    assert.deepEqual(left, []);
  }

  /** Takes all room but `free` bytes. */
  fill(free = 0): void {
    const file = openSync(this.#filler, 'a');
    const chunk = Buffer.alloc(2 ** 16);
    try {
      for (let left = this.#free() - free; left > 0; left -= chunk.length) {
        writeSync(file, chunk, 0, Math.min(left, chunk.length));
      }
    } catch (error) {
      // Somebody else took the last of it.
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    } finally {
      closeSync(file);
    }
  }

  makeRoom(): void {
    rmSync(this.#filler, { force: true });
  }

  #free(): number {
    const { bavail, bsize } = statfsSync(this.#stateDir);
    return bavail * bsize;
  }
}

/** Asks until the disk is really full; the last answer. */
async function askUntilFull(ask: (count: number) => Promise<Response>): Promise<string> {
  for (let count = 0; count < 500; count += 1) {
    const answer = await ask(count);
    const text = await answer.text();
    if (answer.status === 507) return text;
    assert.ok(answer.ok, `${answer.status}: ${text}`);
  }
  throw new Error('the disk was never full');
}

test('a full disk refuses stored calls with 507 while other calls go on, and nothing accepted is lost', async (t) => {
  if (!rootRequirement(t, 'only root can mount a small disk')) return;
  const ledger = await CallLedger.open(t, 'disk full');
  const loud = { 'handler.js': "module.exports = async () => { console.log('x'.repeat(4000)); return 'loud'; };\n" };
  const body = Buffer.alloc(2 ** 20, 'b');

  for (const [round, moment] of momentsMs.entries()) {
    // A new one each time: a database keeps the room it once took, and in the end the filler would hold none.
    const disk = await SmallDisk.start(t);
    const { platform } = disk;
    await ledger.deploy(platform, 'told', 5);
    await deployFiles(platform, 'loud', loud);
    await ledger.send(platform, 'told', 10);
    disk.fill(2 ** 20);
    for (let burst = 0; ledger.refused === 0 && burst < 50; burst += 1) {
      await ledger.send(platform, 'told', 5, { body, headers: { 'X-Delay': '1s' }, allowed: [507] });
    }
    disk.fill();
    const init = { method: 'POST', body, headers: { 'X-Delay': '1s', 'X-Call-Id': `asked-${round}` } };
    const refusal = await askUntilFull(() => fetch(`${platform.url}/async-function/told`, init));
    assert.match(refusal, /^the disk of \/.*queue\.db is full/);

    for (let i = 0; i < 20; i += 1) {
      const answer = await fetch(`${platform.url}/function/loud`, { method: 'POST' });
      assert.deepEqual([answer.status, await answer.text()], [200, 'loud']);
    }
    const stored = await askUntilFull((count) => {
      const value = 'v'.repeat(100_000);
      return platform.fetch('/system/secrets', {
        method: 'POST',
        body: JSON.stringify({ name: `secret-${round}-${count}`, value }),
      });
    });
    assert.match(stored, /the disk of \/.*tinderbox\.db is full/);
    for (const path of ['/system/functions', '/system/queue', '/healthz', '/system/logs?name=loud&follow=false']) {
      assert.equal((await platform.fetch(path)).status, 200, path);
    }

    await delay(moment);
    const killed = round % 2 === 1;
    if (killed) await platform.kill();
    disk.makeRoom();
    if (killed) disk.platform = await platform.restart();
    await ledger.send(disk.platform, 'told', 10);
    await ledger.close(disk.platform, killed ? undefined : 0);
    await disk.end();
  }
  assert.ok(ledger.total.refused >= momentsMs.length);
});
