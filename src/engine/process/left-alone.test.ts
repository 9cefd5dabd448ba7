import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, describe, test } from 'node:test';
import { requirement } from '../../../test/support/require.ts';
import { makeAdoptionFixture } from '../../../test/support/engine/adoption-fixture.ts';
import { bundleWorkload, writeBundle } from '../../../test/support/engine/test-bundle.ts';
import { isAlive, processesOf, tracesOf } from '../../../test/support/traces.ts';
import { until } from '../../../test/support/until.ts';
import type { Isolation } from '../../model/settings.ts';
import type { Workload } from '../engine.ts';

type Fixture = Awaited<ReturnType<typeof makeAdoptionFixture>>;

/** Leaves a process behind in a session of its own, whose parent is gone, and is deaf to what can be ignored. */
const daemon = `
trap '' TERM HUP INT
setsid sh -c 'sleep 1000 & exit' </dev/null >/dev/null 2>&1
exec node program.mjs`;
const server = `
import { createServer } from 'node:http';
process.on('SIGTERM', () => {});
createServer((request, response) => response.end('ok')).listen(process.env.PORT);`;

async function fixtureOf(t: TestContext, orphanMs: number, pool = 0): Promise<Fixture> {
  const fixture = await makeAdoptionFixture({ orphanMs }, { pool: { node: pool, python: 0 } });
  t.after(() => fixture.close());
  return fixture;
}

function daemonWorkload({ places }: Fixture, isolation: Isolation): Workload {
  const directory = writeBundle(join(places.bundles, 'd'), { 'program.mjs': server, 'start.sh': daemon });
  const workload = bundleWorkload('d', directory, { language: 'exec', mode: 'http', process: 'sh start.sh' });
  return { ...workload, settings: { ...workload.settings, isolation }, secrets: { key: Buffer.from('value') } };
}

async function killBoth(platform: { kill(): Promise<void> }, fixture: Fixture): Promise<void> {
  await Promise.all([platform.kill(), fixture.killKeeper()]);
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
}

/** The guard's pid once it is another one than `before`. */
function guardOf({ places }: Fixture, before?: number): number | undefined {
  return processesOf(places).find((pid) => pid !== before && commandOf(pid).includes('functions-guard'));
}

describe('what nobody comes back for', { concurrency: 3 }, () => {
  for (const isolation of ['auto', 'namespaces'] as const) {
    test(`daemons, their folders and their secrets are gone, with isolation ${isolation}`, async (t) => {
      const fixture = await fixtureOf(t, 1500);
      const platform = await fixture.startPlatform();
      await platform.run(daemonWorkload(fixture, isolation), 1);
      const ready = await until('ready or refused', async () => {
        const [instance] = await platform.instances();
        return instance?.state === 'ready' || instance?.state === 'failed' ? instance : undefined;
      });
      const refused = /bubblewrap|namespace/.test(ready.reason ?? '');
      if (!requirement(t, !refused, ready.reason ?? '')) return;
      assert.equal(ready.state, 'ready', ready.reason ?? '');
      const running = processesOf(fixture.places);
      assert.ok(running.some((pid) => commandOf(pid).startsWith('sleep ')));
      await killBoth(platform, fixture);
      await until('nothing is left', () => tracesOf(fixture.places).length === 0, 20_000);
      assert.deepEqual(running.filter(isAlive), []);
    });
  }

  test('warm processes are gone as well', async (t) => {
    const fixture = await fixtureOf(t, 1500, 2);
    const platform = await fixture.startPlatform();
    const folders = join(fixture.places.runDir, 'i');
    await until('two are warm', () => {
      return readdirSync(folders).filter((id) => existsSync(join(folders, id, 'sock', 's'))).length === 2;
    });
    await killBoth(platform, fixture);
    await until('nothing is left', () => tracesOf(fixture.places).length === 0, 20_000);
  });

  test('what a start had begun when both were killed is removed, also what is on no record', async (t) => {
    const fixture = await fixtureOf(t, 1500);
    const platform = await fixture.startPlatform();
    mkdirSync(join(fixture.places.runDir, 'i', 'unborn00', 'tmp'), { recursive: true });
    await killBoth(platform, fixture);
    await until('nothing is left', () => tracesOf(fixture.places).length === 0, 20_000);
  });

  test('a guard that is killed is replaced, and an orderly end leaves none', async (t) => {
    const fixture = await fixtureOf(t, 15_000);
    const platform = await fixture.startPlatform();
    const guard = await until('a guard', () => guardOf(fixture));
    process.kill(guard, 'SIGKILL');
    const next = await until('another guard', () => guardOf(fixture, guard));
    await platform.close();
    await until('the keeper is gone', () => !fixture.isKeeperAlive());
    assert.equal(isAlive(next), false);
  });
});
