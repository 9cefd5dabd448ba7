import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createMemoryBroker, type MemoryBroker } from '../../../test/support/memory-source.ts';
import { until } from '../../../test/support/until.ts';
import { defaultDelivery, type TriggerSpec } from '../../model/trigger.ts';
import { createMemoryStore } from '../../store/memory/memory-store.ts';
import type { Store } from '../../store/store.ts';
import { createScheduler, type Scheduler } from '../schedule/scheduler.ts';
import { createTriggerHost, type TriggerHost } from './trigger-host.ts';

interface World {
  readonly store: Store;
  readonly broker: MemoryBroker;
  readonly scheduler: Scheduler;
  /** Bodies the function was called with. */
  readonly seen: string[];
  readonly forgotten: string[];
  /** How many were forgotten by each connection to the broker. */
  readonly connected: number[];
  readonly host: () => Promise<TriggerHost>;
}

function createWorld(t: TestContext, store = createMemoryStore()): World {
  const broker = createMemoryBroker();
  const [seen, forgotten]: string[][] = [[], []];
  const connected: number[] = [];
  const memory = { last: () => undefined, remember: () => undefined, forget: () => undefined };
  const scheduler = createScheduler({ accept: () => Promise.resolve(true), memory });
  t.after(() => scheduler.close());
  return {
    store,
    broker,
    scheduler,
    seen: seen ?? [],
    forgotten: forgotten ?? [],
    connected,
    host: async () => {
      const host = await createTriggerHost({
        store,
        scheduler,
        nats: true,
        sourceOf: ({ nats }) => ({
          ...broker.source,
          connect: (...given) => {
            connected.push(forgotten?.length ?? 0);
            return broker.source.connect(...given);
          },
          forget: () => Promise.resolve(void forgotten?.push(nats?.stream ?? '')),
        }),
        call: () => (delivery) => {
          seen?.push(Buffer.from(delivery.body).toString());
          const answer = { status: 200, retryAfterMs: undefined, headers: [], body: Buffer.alloc(0), failure: '' };
          return Promise.resolve(answer);
        },
        bury: () => () => Promise.resolve(),
        drainMs: 1000,
      });
      t.after(() => host.close(AbortSignal.abort()));
      return host;
    },
  };
}

const orders: TriggerSpec = {
  namespace: 'ns',
  name: 'orders',
  function: 'hello',
  method: 'POST',
  path: '/',
  headers: {},
  kind: 'nats',
  nats: { subject: 'orders', stream: 'ORDERS' },
  paused: false,
  delivery: defaultDelivery,
};

const nightly: TriggerSpec = {
  namespace: 'ns',
  name: 'nightly',
  function: 'hello',
  method: 'POST',
  path: '/',
  headers: {},
  kind: 'schedule',
  schedule: { expressions: ['0 3 * * *', '@daily'], timezone: 'UTC', missed: 'skip', overlap: 'allow', body: '' },
  paused: false,
};

const deploy = (store: Store, annotations: object = {}): Promise<number> =>
  store.put('functions/ns/hello', { spec: { namespace: 'ns', name: 'hello', annotations } });
const put = (store: Store, spec: TriggerSpec): Promise<number> =>
  store.put(`triggers/ns/${spec.name}`, { spec, createdAt: '' });

test('what is paused takes nothing and loses nothing, and goes on with what waits', async (t) => {
  const { store, broker, seen, host } = createWorld(t);
  await deploy(store);
  await put(store, orders);
  const triggers = await host();
  await broker.send('one');
  await until('the first', () => seen.length === 1);
  await put(store, { ...orders, paused: true });
  await until('it rests', async () => (await triggers.status('ns/orders')) === undefined);
  await broker.send('two');
  await put(store, { ...orders, delivery: { ...defaultDelivery, concurrency: 1 } });
  await until('the second', () => seen.length === 2);
  assert.deepEqual(seen, ['one', 'two']);
  assert.equal(triggers.running()[0]?.spec.delivery?.concurrency, 1);
});

test('triggers go with their function, and none comes to one of the same name', async (t) => {
  const { store, broker, scheduler, seen, forgotten, host } = createWorld(t);
  await deploy(store);
  await put(store, orders);
  await put(store, nightly);
  const triggers = await host();
  assert.equal(scheduler.planned().length, 2);
  await store.delete('functions/ns/hello');
  await deploy(store);
  await until('they are gone', async () => (await store.list('triggers/')).length === 0);
  await until('their sources, too', () => triggers.running().length === 0);
  await until('and what was made', () => forgotten.length === 1);
  assert.deepEqual(forgotten, ['ORDERS']);
  assert.deepEqual(scheduler.planned(), []);
  await broker.send('one');
  await put(store, { ...orders, name: 'again' });
  await until('a new one', () => seen.length === 1);
});

test('a trigger whose function went while no platform ran is removed at the start', async (t) => {
  const { store, seen, broker, host } = createWorld(t);
  await put(store, orders);
  await broker.send('one');
  await host();
  await until('it is gone', async () => (await store.list('triggers/')).length === 0);
  assert.deepEqual(seen, []);
});

test('a schedule that becomes messages, and a stream that is left, leave nothing behind', async (t) => {
  const { store, scheduler, forgotten, seen, broker, host } = createWorld(t);
  await deploy(store);
  await put(store, nightly);
  const triggers = await host();
  await put(store, { ...orders, name: 'nightly' });
  await until('it listens', async () => (await triggers.status('ns/nightly'))?.connected === true);
  assert.deepEqual(scheduler.planned(), []);
  await put(store, { ...orders, name: 'nightly', nats: { subject: 'orders', stream: 'OTHER' } });
  await until('the first is forgotten', () => forgotten.length === 1);
  assert.deepEqual(forgotten, ['ORDERS']);
  await broker.send('one');
  await until('it goes on', () => seen.length === 1);
});

test('what a trigger made goes before one of the same name begins, and when it takes a consumer of others', async (t) => {
  const { store, broker, seen, forgotten, connected, host } = createWorld(t);
  await deploy(store);
  await put(store, orders);
  const triggers = await host();
  await until('it listens', async () => (await triggers.status('ns/orders'))?.connected === true);
  await Promise.all([store.delete('triggers/ns/orders'), put(store, orders)]);
  await until('it begins anew', () => connected.length === 2);
  await until('the first is forgotten', () => forgotten.length === 1);
  assert.deepEqual(connected, [0, 1], 'with nothing left of the first');
  await put(store, { ...orders, nats: { subject: 'orders', stream: 'ORDERS', durable: 'shared' } });
  await until('its own is forgotten', () => forgotten.length === 2);
  await broker.send('one');
  await until('it goes on', () => seen.length === 1);
});

test('topics of an annotation come and go with it, and what did not change goes on', async (t) => {
  const { store, host } = createWorld(t);
  await deploy(store, { topic: 'a.b, cron-function, not a subject, c' });
  const triggers = await host();
  const names = (): readonly string[] => triggers.running().map(({ key }) => key);
  await until('both', () => names().length === 2);
  assert.deepEqual(names(), ['ns/hello:a.b', 'ns/hello:c']);
  const before = triggers.running()[1];
  await deploy(store, { topic: 'c' });
  await until('one', () => names().length === 1);
  assert.equal(triggers.running()[0]?.spec, before?.spec);
});
