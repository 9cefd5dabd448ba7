import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../../test/support/until.ts';
import type { Instance } from '../model/instance.ts';
import type { LogLine } from '../model/log-line.ts';
import type { Behaviour } from './conformance.ts';
import type { Workload } from './engine.ts';

/** A platform in a process of its own, with an engine and nothing else. */
export interface RemotePlatform {
  /** Applies and scales. */
  run(workload: Workload, count: number): Promise<void>;
  instances(): Promise<readonly Instance[]>;
  logs(name: string): Promise<readonly LogLine[]>;
  /** SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
  /** An orderly end. */
  close(): Promise<void>;
}

/** Times of a fixture; each default is long enough not to matter on a busy machine. */
export interface AdoptionTimes {
  /** How long instances are held without a platform. */
  readonly orphanMs?: number;
  /** How long adopted instances wait to be asked for again. */
  readonly unclaimedMs?: number;
}

/** An engine whose instances outlive the platform, on directories of its own. */
export interface AdoptionFixture {
  /** Rejects with the message of the engine's error when it cannot start. */
  startPlatform(): Promise<RemotePlatform>;
  workload(name: string, behaviour: Behaviour): Workload;
  /** SIGKILL to whatever holds the instances. */
  killKeeper(): Promise<void>;
  isKeeperAlive(): boolean;
  isLeft(instance: Instance): Promise<boolean>;
  /** Ends everything that still runs. */
  close(): Promise<void>;
}

/** What engines that adopt promise when platform or keeper are killed at any moment. */
export function adoptionConformance(
  name: string,
  makeFixture: (times: AdoptionTimes) => Promise<AdoptionFixture>,
): void {
  // Most of the time is waiting for processes to start.
  describe(`engine ${name} after kills`, { concurrency: 3 }, () => {
    const scenario: Scenario = (title, run, times = {}) => {
      test(title, async () => {
        const fixture = await makeFixture(times);
        try {
          await run(fixture);
        } finally {
          await fixture.close();
        }
      });
    };
    platformKills(scenario);
    keeperKills(scenario);
  });
}

type Scenario = (title: string, run: (fixture: AdoptionFixture) => Promise<void>, times?: AdoptionTimes) => void;

interface Begun {
  readonly platform: RemotePlatform;
  readonly workload: Workload;
  readonly instances: readonly Instance[];
}

async function begin(fixture: AdoptionFixture, behaviour: Behaviour, count: number): Promise<Begun> {
  const platform = await fixture.startPlatform();
  const workload = fixture.workload('kept', behaviour);
  await platform.run(workload, count);
  const state = behaviour === 'never-ready' ? 'starting' : 'ready';
  const instances = await until(`${count} are ${state}`, () => living(platform, state, count));
  return { platform, workload, instances };
}

async function living(
  platform: RemotePlatform,
  state: Instance['state'],
  count: number,
): Promise<readonly Instance[] | undefined> {
  const found = (await platform.instances()).filter((instance) => instance.state === state);
  return found.length === count ? found : undefined;
}

function platformKills(scenario: Scenario): void {
  scenario('a platform that is started again takes its instances back, and can still stop them', async (fixture) => {
    const { platform, workload, instances } = await begin(fixture, 'serves', 2);
    await platform.kill();
    const next = await fixture.startPlatform();
    const adopted = await next.instances();
    assert.deepEqual(facts(adopted), facts(instances));
    await next.run(workload, 2);
    assert.deepEqual(facts(await next.instances()), facts(instances));
    await next.run(workload, 0);
    await until('both stopped', () => living(next, 'stopped', 2));
    assert.equal((await next.logs('kept')).length, 2);
    await next.close();
    await until('the keeper is gone', () => !fixture.isKeeperAlive());
  });

  scenario(
    'adopted instances that nobody asks for again are stopped',
    async (fixture) => {
      const { platform, instances } = await begin(fixture, 'serves', 1);
      await platform.kill();
      const next = await fixture.startPlatform();
      await until('stopped', () => living(next, 'stopped', 1));
      await assertGone(fixture, instances);
      await next.close();
    },
    { unclaimedMs: 500 },
  );

  scenario('an instance that was still starting is not adopted but killed', async (fixture) => {
    const { platform, instances } = await begin(fixture, 'never-ready', 1);
    await platform.kill();
    const next = await fixture.startPlatform();
    assert.deepEqual(await next.instances(), []);
    await assertGone(fixture, instances);
    await next.close();
  });

  scenario(
    'when the platform never comes back, everything ends by itself',
    async (fixture) => {
      const { platform, instances } = await begin(fixture, 'ignores-stop', 2);
      await platform.kill();
      await until('the keeper is gone', () => !fixture.isKeeperAlive());
      await assertGone(fixture, instances);
    },
    { orphanMs: 1000 },
  );

  scenario('two platforms do not share a keeper', async (fixture) => {
    const { platform, instances } = await begin(fixture, 'serves', 1);
    await assert.rejects(fixture.startPlatform(), /another platform/);
    assert.deepEqual(facts(await platform.instances()), facts(instances));
    await platform.close();
  });
}

function keeperKills(scenario: Scenario): void {
  scenario(
    'when the keeper is killed, its instances fail at once, leave no orphan, and are made anew',
    async (fixture) => {
      const { platform, instances } = await begin(fixture, 'ignores-stop', 2);
      await fixture.killKeeper();
      const failed = await until('both failed', () => living(platform, 'failed', 2), 2000);
      assert.match(failed[0]?.reason ?? '', /keeper/);
      const fresh = await until('two new ones', () => living(platform, 'ready', 2));
      assert.ok(fresh.every((instance) => !instances.some((old) => old.id === instance.id)));
      await assertGone(fixture, instances);
      await platform.close();
    },
  );

  scenario('when both are killed, the next platform kills what is left and adopts nothing', async (fixture) => {
    const { platform, instances } = await begin(fixture, 'ignores-stop', 1);
    await Promise.all([platform.kill(), fixture.killKeeper()]);
    const next = await fixture.startPlatform();
    assert.deepEqual(await next.instances(), []);
    await assertGone(fixture, instances);
    await next.close();
  });

  scenario(
    'when both are killed and no platform ever comes, everything ends by itself',
    async (fixture) => {
      const { platform, instances } = await begin(fixture, 'ignores-stop', 2);
      await Promise.all([platform.kill(), fixture.killKeeper()]);
      await assertGone(fixture, instances);
    },
    { orphanMs: 1000 },
  );
}

/** What stays the same when an instance is adopted. */
function facts(instances: readonly Instance[]): unknown[] {
  return instances
    .map(({ id, pid, state, address, revision, concurrency }) => ({ id, pid, state, address, revision, concurrency }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function assertGone(fixture: AdoptionFixture, instances: readonly Instance[]): Promise<void> {
  for (const instance of instances) {
    await until(`${instance.id} is gone`, async () => !(await fixture.isLeft(instance)), 5000);
  }
}
