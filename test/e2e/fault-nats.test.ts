import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { useCutProxy } from '../support/cut-proxy.ts';
import { deployFiles } from '../support/deploy.ts';
import { momentsMs, patienceMs } from '../support/kill-world.ts';
import { useNats } from '../support/nats-server.ts';
import { account, flagsFor, named, receiver, send, sendMany, stop, tell } from '../support/nats-world.ts';
import { type TestPlatform, usePlatform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** What is accepted once NATS is there again. */
async function acceptedAgain(platform: TestPlatform, body: string): Promise<string> {
  await until('calls to be taken again', async () => (await send(platform, body)).status === 202, patienceMs);
  return body;
}

/** Every accepted call ran, none was lost, and the platform stops. */
async function settleAccount(
  t: TestContext,
  platform: TestPlatform,
  accepted: readonly string[],
  got: Map<string, number>,
): Promise<void> {
  await until('all to be done', () => accepted.every((body) => got.has(body)), 2 * patienceMs);
  got.delete('refused');
  got.delete('waited for');
  account(t, accepted, got, momentsMs.length);
  await stop(platform);
}

/** Calls somebody waits for go on, and the others are told at once. */
async function assertServes(platform: TestPlatform): Promise<void> {
  const sync = await fetch(`${platform.url}/function/tell`, { method: 'POST', body: 'waited for' });
  assert.equal(sync.status, 200);
  const beganMs = performance.now();
  const refused = await send(platform, 'refused');
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers.get('retry-after')) >= 1);
  assert.ok(performance.now() - beganMs < 4000, 'it is refused at once');
}

suite('faults of NATS', { concurrency: 2 }, () => {
  test('nats-server is killed while calls come in: what was accepted runs, the rest is refused, and others go on', async (t) => {
    const server = await useNats(t);
    if (server === undefined) return;
    const { url, got } = await receiver(t);
    const platform = await usePlatform(t, flagsFor(server.port));
    await deployFiles(platform, 'tell', tell(url));
    const accepted: string[] = [];
    for (const [round, momentMs] of momentsMs.entries()) {
      accepted.push(...(await sendMany(platform, named(`before${round}`, 40))));
      const sending = sendMany(platform, named(`round${round}`, 100));
      await delay(momentMs);
      await server.kill();
      accepted.push(...(await sending));
      await until('it to be noticed', async () => (await send(platform, 'refused')).status === 503, patienceMs);
      await assertServes(platform);
      await server.start();
      accepted.push(await acceptedAgain(platform, `after${round}`));
    }
    await settleAccount(t, platform, accepted, got);
  });

  test('the way to NATS is cut: calls are refused in bounded time, others go on, and after it nothing is lost', async (t) => {
    const server = await useNats(t);
    if (server === undefined) return;
    const { url, got } = await receiver(t);
    const proxy = await useCutProxy(t, server.port);
    const platform = await usePlatform(t, flagsFor(proxy.port));
    await deployFiles(platform, 'tell', tell(url));
    const accepted: string[] = [];
    for (const [round, momentMs] of momentsMs.entries()) {
      accepted.push(...(await sendMany(platform, named(`before${round}`, 40))));
      const sending = sendMany(platform, named(`round${round}`, 60));
      await delay(momentMs);
      proxy.cut();
      const beganMs = performance.now();
      accepted.push(...(await sending));
      assert.equal((await send(platform, 'refused')).status, 503);
      assert.ok(performance.now() - beganMs < 20_000, 'in bounded time');
      await assertServes(platform);
      proxy.mend();
      accepted.push(await acceptedAgain(platform, `after${round}`));
    }
    await settleAccount(t, platform, accepted, got);
  });
});
