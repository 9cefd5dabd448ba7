import assert from 'node:assert/strict';
import { suite } from 'node:test';
import { sealSecrets } from '../../src/model/sealed-secrets.ts';
import { sourceArchive } from '../support/deploy.ts';
import { fault, type KillWorld, momentsMs, patienceMs } from '../support/kill-world.ts';
import { isAlive, keeperPid, tracesOf } from '../support/traces.ts';
import { until } from '../support/until.ts';

/** A call that is on its way to the old instance this very moment may still be lost with it. */
async function answersAnew(world: KillWorld, pid: number): Promise<void> {
  await until('calls are answered', async () => (await world.outcome('held', '0')) === 200, patienceMs);
  assert.notEqual(await world.call('held'), `one ${pid}`);
}

/** A build that has a secret and does not end. */
async function sealedBuild({ platform }: KillWorld): Promise<void> {
  const { public_key: key } = (await (await platform.fetch('/publickey')).json()) as { public_key: string };
  const files = { 'build.sh': 'test -f "$OPENFAAS_SECRETS_DIR/token"; sleep 1000\n' };
  const sealed = sealSecrets(key, { token: Buffer.from('a-token-nobody-may-see') });
  const body = await sourceArchive({ image: 'endless:1', lang: 'exec' }, files, sealed);
  const answer = await platform.fetch('/build', { method: 'POST', body: new Uint8Array(body) });
  assert.fail(await answer.text());
}

suite('what holds the functions', { concurrency: 2 }, () => {
  fault('the keeper, killed with calls in flight: callers hear of it, and instances come anew', async (world) => {
    await world.deploy('held', 'one');
    for (const moment of momentsMs) {
      const pid = await world.pidOf('held');
      const calls = Array.from({ length: 6 }, () => world.outcome('held', '300'));
      await world.at(moment);
      process.kill(keeperPid(world.platform), 'SIGKILL');
      for (const outcome of await Promise.all(calls))
        assert.ok([200, 502, 503].includes(Number(outcome)), `${outcome}`);
      await until('the old instance is gone', () => !isAlive(pid), patienceMs);
      await answersAnew(world, pid);
    }
  });

  fault('platform and keeper, killed at once: the next platform starts from nothing but its state', async (world) => {
    await world.deploy('held', 'one');
    for (const moment of momentsMs) {
      const pid = await world.pidOf('held');
      const calls = Array.from({ length: 6 }, () => world.outcome('held', '300'));
      await world.at(moment);
      process.kill(keeperPid(world.platform), 'SIGKILL');
      await world.platform.kill();
      for (const outcome of await Promise.all(calls)) assert.ok(outcome === 'broken' || outcome >= 200);
      world.platform = await world.platform.restart();
      await until('the old instance is gone', () => !isAlive(pid), patienceMs);
      assert.notEqual(await world.call('held'), `one ${pid}`);
      await world.pidOf('held');
    }
  });

  fault(
    'platform and keeper, killed while a build reads its secrets: those are gone although nobody comes back',
    async (world) => {
      const cutOff = assert.rejects(sealedBuild(world), { name: 'TypeError' });
      const isHeld = (): boolean => tracesOf(world.platform).some((line) => line.startsWith('secrets of build'));
      await Promise.race([cutOff, until('the build has its secrets', isHeld, 60_000)]);
      process.kill(keeperPid(world.platform), 'SIGKILL');
      await world.platform.kill();
      await cutOff;
      const lasting = (line: string): boolean => /^(upload|unfinished build) /.test(line);
      await until('its secrets are gone', () => tracesOf(world.platform).every(lasting), 60_000);
      world.platform = await world.platform.restart();
    },
    ['--keeper-orphan-timeout', '1s'],
  );

  fault('an instance, killed with calls in flight: they are lost, and it is replaced', async (world) => {
    for (const moment of momentsMs) {
      // A new one each time: what crashes again and again is started less and less often.
      await world.deploy('held', 'one');
      const pid = await world.pidOf('held');
      await world.call('held');
      const calls = Array.from({ length: 6 }, () => world.outcome('held', '2000'));
      await world.underWay('held', 6);
      await world.at(100 + moment);
      process.kill(pid, 'SIGKILL');
      assert.deepEqual(await Promise.all(calls), Array(6).fill(502));
      await answersAnew(world, pid);
      await world.remove('held');
    }
  });
});
