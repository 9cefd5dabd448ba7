import assert from 'node:assert/strict';
import { beforeEach, describe, type TestContext, test } from 'node:test';
import { createRemains, createWorld, type Remains, type World } from '../../test/support/control-world.ts';
import { until } from '../../test/support/until.ts';
import { TinderboxError } from '../model/errors.ts';
import type { FunctionRecord, FunctionSpec, RevisionRecord } from '../model/function.ts';
import { formatRevisionId, type RevisionId } from '../model/names.ts';
import { formatFunctionRecordKey, formatRetiredRecordKey, formatRevisionRecordKey } from '../model/record-keys.ts';

/** Writes a deploy as the API does: the revision first, then the function. */
async function deploy(
  { store, images }: Remains,
  image: string,
  spec: Partial<FunctionSpec> = {},
): Promise<RevisionId> {
  images.add(image);
  const full: FunctionSpec = { namespace: 'ns', name: 'f', image, secrets: [], labels: {}, annotations: {}, ...spec };
  const key = formatFunctionRecordKey(full.namespace, full.name);
  const old = (await store.get(key))?.value as FunctionRecord | undefined;
  const retired = (await store.get(formatRetiredRecordKey(full.namespace, full.name)))?.value;
  const latest = Math.max(old?.latest ?? 0, (retired as { latest: number } | undefined)?.latest ?? 0) + 1;
  const id = formatRevisionId(full.namespace, full.name, latest);
  const createdAt = new Date().toISOString();
  const revision: RevisionRecord = {
    id,
    spec: full,
    artifact: `sha256:${image}`,
    secretVersions: {},
    state: 'pending',
    createdAt,
  };
  await store.put(formatRevisionRecordKey(id), revision, 0);
  await store.put(key, { replicas: 1, createdAt, ...old, spec: full, latest });
  return id;
}

async function remove({ store }: Remains): Promise<void> {
  const key = formatFunctionRecordKey('ns', 'f');
  const latest = ((await store.get(key))?.value as FunctionRecord | undefined)?.latest ?? 0;
  await store.put(formatRetiredRecordKey('ns', 'f'), { latest, deletedAt: new Date().toISOString() });
  await store.delete(key);
}

describe('createControl', () => {
  let remains: Remains;
  let world: World;
  let t: TestContext;

  beforeEach((context) => {
    t = context as TestContext;
    remains = createRemains();
    world = begin();
  });

  function begin(options: Parameters<typeof createWorld>[1] = {}): World {
    const made = createWorld(remains, options);
    t.after(() => made.close());
    return made;
  }

  async function revision(id: RevisionId): Promise<RevisionRecord | undefined> {
    return (await remains.store.get(formatRevisionRecordKey(id)))?.value as RevisionRecord | undefined;
  }

  async function serving(): Promise<RevisionId | undefined> {
    const entry = await remains.store.get(formatFunctionRecordKey('ns', 'f'));
    return (entry?.value as FunctionRecord | undefined)?.serving;
  }

  const routed = (): RevisionId | undefined => world.router.route('f.ns')?.revision;
  const serves = (id: RevisionId): Promise<boolean> =>
    until(`${id} serves`, async () => (await serving()) === id && routed() === id);

  test('a deploy is applied with its secrets, environment and user, proven, and then serves', async () => {
    remains.secrets.values.set('ns/key', { value: Buffer.from('v'), version: 1 });
    await world.control.start();
    const id = await deploy(remains, 'good:1', { secrets: ['key'], envVars: { A: '1' }, envProcess: 'cat' });
    await serves(id);
    assert.equal((await revision(id))?.state, 'ready');
    const workload = world.engine.workloads.get(id);
    assert.deepEqual(workload?.env, { A: '1', OPENFAAS_NAME: 'f', OPENFAAS_NAMESPACE: 'ns' });
    assert.equal(workload.secrets['key']?.toString(), 'v');
    assert.equal(workload.process, 'cat');
    assert.ok(workload.identity);
  });

  test('traffic moves to a newer revision, and the old one is stopped once its calls have ended', async () => {
    await world.control.start();
    const one = await deploy(remains, 'good:1');
    await serves(one);
    const load = {
      revision: one,
      inFlight: 1,
      waiting: 0,
      ready: 1,
      starting: 0,
      completed: 0,
      lastActiveMs: 0,
      peak: 1,
    };
    world.router.loads.set(one, load);
    const two = await deploy(remains, 'good:2');
    await serves(two);
    assert.equal(world.engine.live(one).length, 1, 'a call is still running there');
    world.router.loads.delete(one);
    await until('the old revision is gone', () => world.engine.live(one).length === 0);
    assert.equal(world.scaler.counts().has(one), false);
  });

  test('calls of a first deploy wait for it from the moment it was accepted', async () => {
    await world.control.start();
    const id = await deploy(remains, 'slow:1');
    assert.equal(routed(), id);
    const wake = world.scaler.wake(id);
    await until('it starts', () => world.engine.live(id).length === 1);
    assert.equal(await serving(), undefined);
    world.engine.settle(id, 'ready');
    await wake;
    await serves(id);
  });

  test('a broken revision never takes traffic, and its failure is kept with the last log lines', async () => {
    await world.control.start();
    const one = await deploy(remains, 'good:1');
    await serves(one);
    const two = await deploy(remains, 'broken:2');
    const failed = await until('it failed', async () => {
      const record = await revision(two);
      return record?.state === 'failed' ? record : undefined;
    });
    assert.match(failed.failure ?? '', /^3 starts failed, the last one: it threw\nlast words$/);
    assert.equal(await serving(), one);
    assert.equal(routed(), one);
    await until('its instances are gone', () => world.engine.live(two).length === 0);
  });

  test('callers of a function whose first deploy failed learn why', async () => {
    await world.control.start();
    const id = await deploy(remains, 'broken:1');
    await until(
      'it is refused',
      async () => (await revision(id))?.state === 'failed' && world.scaler.counts().size === 0,
    );
    assert.equal(routed(), id);
    await assert.rejects(world.scaler.wake(id), /ns\/f-00001 failed: 3 starts failed, the last one: it threw/);
    const two = await deploy(remains, 'good:2');
    await serves(two);
  });

  test('what the engine can never run fails at once with its reason', async () => {
    world.engine.rejectApply = () => new TinderboxError('unsupported', 'isolation strict is not possible here');
    await world.control.start();
    const id = await deploy(remains, 'good:1');
    const failed = await until('it failed', async () => (await revision(id))?.failure);
    assert.equal(failed, 'isolation strict is not possible here');
  });

  test('a revision that never becomes ready fails at its deadline', async () => {
    world = begin({ limits: { startDeadlineMs: 50 } });
    await world.control.start();
    const id = await deploy(remains, 'slow:1');
    const failed = await until('it failed', async () => (await revision(id))?.failure);
    assert.match(failed, /^not ready within 50 ms/);
  });

  test('a newer deploy supersedes one that is still starting', async () => {
    await world.control.start();
    const one = await deploy(remains, 'slow:1');
    await until('it starts', () => world.engine.live(one).length === 1);
    const two = await deploy(remains, 'good:2');
    await serves(two);
    assert.match((await revision(one))?.failure ?? '', /superseded/);
    await until('it is gone', () => world.engine.live(one).length === 0);
  });

  test('only the last revisions are kept, and artifacts of all kept ones are protected', async () => {
    world = begin({ limits: { collectMs: 20 } });
    await world.control.start();
    for (let i = 1; i <= 5; i += 1) await serves(await deploy(remains, `good:${i}`));
    const kept = await until('old ones are gone', async () => {
      const entries = await remains.store.list('revisions/ns/f/');
      return entries.length === 3 && entries;
    });
    assert.deepEqual(
      kept.map(({ key }) => key.slice(-5)),
      ['00003', '00004', '00005'],
    );
    const protectedNow = await until('a collection', () =>
      remains.images.collected.find((keep) => keep.size === 3 && keep.has('sha256:good:5')),
    );
    assert.ok(protectedNow.has('sha256:good:3'));
  });

  test('a deleted function loses route, instances, revisions and user, and its numbers are not used again', async () => {
    await world.control.start();
    await serves(await deploy(remains, 'good:1'));
    await remove(remains);
    await until('all is gone', async () => {
      const left = await remains.store.list('revisions/');
      return left.length === 0 && world.engine.live().length === 0 && world.identities.size === 0;
    });
    assert.equal(routed(), undefined);
    const again = await deploy(remains, 'good:1');
    assert.equal(again, 'ns/f-00002');
    await serves(again);
  });

  test('after a restart what slept sleeps, what was adopted goes on, and strays are stopped', async () => {
    await world.control.start();
    const id = await deploy(remains, 'good:1');
    await serves(id);
    await world.engine.apply({ ...world.engine.workloads.get(id), revision: 'ns/gone-00001' } as never);
    await world.engine.scale('ns/gone-00001', 1);
    await world.control.close();
    const { engine } = world;
    world = begin({ engine });
    await world.control.start();
    assert.equal(routed(), id);
    await until('the stray is stopped', () => engine.live('ns/gone-00001').length === 0);
    assert.equal(engine.live(id).length, 1);
    await world.control.close();

    world = begin();
    await world.control.start();
    assert.equal(routed(), id);
    assert.equal(world.engine.live(id).length, 0, 'nothing is proven again');
    void world.scaler.wake(id);
    await until('it wakes', () => world.engine.live(id)[0]?.state === 'ready');
  });

  test('a function that must not sleep comes back after a restart', async () => {
    await world.control.start();
    const id = await deploy(remains, 'good:1', { labels: { 'com.openfaas.scale.min': '2' } });
    await serves(id);
    await world.close();
    world = begin();
    await world.control.start();
    await until('two are back', () => world.engine.live(id).length === 2);
  });

  test('a function whose artifact is gone after a restart keeps its route and says what to do', async () => {
    await world.control.start();
    const id = await deploy(remains, 'good:1');
    await serves(id);
    await world.close();
    remains.images.known.clear();
    world = begin({ limits: { resyncMs: 30 } });
    await world.control.start();
    assert.equal(routed(), id);
    await assert.rejects(world.scaler.wake(id), (error) => {
      assert.ok(error instanceof TinderboxError);
      assert.equal(error.code, 'cannot-start');
      assert.match(error.message, /image "good:1".*tinderbox build/);
      return true;
    });
    remains.images.add('good:1');
    await until('it runs again', () => world.engine.workloads.has(id));
  });
});
