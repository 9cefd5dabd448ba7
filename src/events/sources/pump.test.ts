import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createMemoryBroker, type MemoryBroker } from '../../../test/support/memory-source.ts';
import { until } from '../../../test/support/until.ts';
import { type DeliverySettings, defaultDelivery } from '../../model/trigger.ts';
import { type CallAnswer, createPump, type Pump } from './pump.ts';
import type { Delivery } from './source.ts';

interface World {
  readonly broker: MemoryBroker;
  readonly pump: Pump;
  /** Calls under way, by body. */
  readonly calls: Map<string, (status: number) => void>;
  /** Bodies in the order they were called with. */
  readonly seen: string[];
  readonly buried: string[];
  readonly told: string[];
  most: number;
}

/** A pump whose calls a test answers by hand; a body that is a status answers itself. */
function createWorld(t: TestContext, settings: Partial<DeliverySettings> = {}): World {
  const broker = createMemoryBroker();
  const [calls, seen, buried, told] = [new Map<string, (status: number) => void>(), [], [], []] as [
    Map<string, (status: number) => void>,
    string[],
    string[],
    string[],
  ];
  const world = { broker, calls, seen, buried, told, most: 0 };
  const call = async (delivery: Delivery, signal: { addEventListener(type: 'abort', listener: () => void): void }) => {
    const body = Buffer.from(delivery.body).toString();
    seen.push(body);
    const status = /^\d+$/.test(body)
      ? Number(body)
      : await new Promise<number>((resolve) => {
          calls.set(body, resolve);
          world.most = Math.max(world.most, calls.size);
          signal.addEventListener('abort', () => resolve(499));
        });
    calls.delete(body);
    const answer: CallAnswer = {
      status,
      retryAfterMs: undefined,
      headers: [],
      body: Buffer.from(`answer to ${body}`),
      failure: `status ${status} from the function`,
    };
    return answer;
  };
  const pump = createPump({
    source: broker.source,
    settings: { ...defaultDelivery, minWaitMs: 1, maxWaitMs: 2, ...settings },
    call,
    bury: (delivery, reason) => {
      buried.push(`${Buffer.from(delivery.body).toString()}: ${reason}`);
      return Promise.resolve();
    },
    tell: (message) => told.push(message),
    random: () => 0,
    extendMs: 5,
  });
  t.after(() => pump.close(AbortSignal.abort()));
  return Object.assign(world, { pump });
}

test('never more calls than the concurrency, and the next one when one has ended', async (t) => {
  const world = createWorld(t, { concurrency: 2 });
  for (const body of ['a', 'b', 'c', 'd']) await world.broker.send(body);
  await until('two calls', () => world.calls.size === 2);
  world.calls.get('a')?.(200);
  await until('the third', () => world.calls.has('c'));
  for (const body of ['b', 'c']) world.calls.get(body)?.(200);
  await until('the fourth', () => world.calls.has('d'));
  world.calls.get('d')?.(204);
  await until('all', async () => (await world.pump.status()).delivered === 4);
  assert.equal(world.most, 2);
  assert.equal((await world.pump.status()).lag, 0);
});

test('what fails comes again until its attempts are used up, and is buried with the reason', async (t) => {
  const world = createWorld(t, { attempts: 3 });
  await world.broker.send('500');
  await until('the end', async () => (await world.pump.status()).failed === 1);
  assert.deepEqual(world.seen, ['500', '500', '500']);
  assert.deepEqual(world.buried, ['500: status 500 from the function at delivery 3 of 3']);
  const { retried, lag, lastError } = await world.pump.status();
  assert.deepEqual([retried, lag, lastError], [2, 0, 'status 500 from the function at delivery 3 of 3']);
});

test('an error topic takes what was given up, and an answer goes to its topic before the message is over', async (t) => {
  const world = createWorld(t, { attempts: 1, errorTopic: 'failed', responseTopic: 'done' });
  await world.broker.send('500');
  await world.broker.send('200');
  await until('both', async () => (await world.pump.status()).lag === 0);
  assert.deepEqual(
    [...world.broker.published],
    [
      ['failed', ['500']],
      ['done', ['answer to 200']],
    ],
  );
  assert.deepEqual(world.buried, []);
});

test('an answer that cannot be published is a failure', async (t) => {
  const world = createWorld(t, { attempts: 2, responseTopic: 'done' });
  world.broker.refuse('done');
  await world.broker.send('200');
  await until('the end', async () => (await world.pump.status()).failed === 1);
  assert.match(
    world.buried[0] ?? '',
    /^200: the answer cannot be published on done: done takes nothing at delivery 2 of 2$/,
  );
});

test('a message whose failure cannot be published stays at the source', async (t) => {
  const world = createWorld(t, { attempts: 1, errorTopic: 'failed' });
  world.broker.refuse('failed');
  await world.broker.send('500');
  await until('several tries', () => world.seen.length >= 3);
  assert.equal((await world.pump.status()).lag, 1);
  assert.equal((await world.pump.status()).failed, 0);
});

test('a lost source is reached again, is told of once, and what was in hand is delivered again', async (t) => {
  const world = createWorld(t);
  await world.broker.send('a');
  await until('the call', () => world.calls.has('a'));
  world.broker.cut(true);
  await until('the loss is known', async () => !(await world.pump.status()).connected);
  world.calls.get('a')?.(200);
  await until('it ended', () => world.calls.size === 0);
  world.broker.cut(false);
  await until('it comes again', () => world.calls.has('a'), 30_000);
  world.calls.get('a')?.(200);
  await until('it is over', async () => (await world.pump.status()).lag === 0);
  assert.deepEqual(world.seen, ['a', 'a']);
  assert.equal(world.told.filter((line) => line === 'not connected: the connection was lost').length, 1);
  assert.equal((await world.pump.status()).connected, true);
});

test('a source hears while a function runs', async (t) => {
  const world = createWorld(t);
  await world.broker.send('a');
  await until('three signs of life', () => world.broker.extended.length >= 3);
  world.calls.get('a')?.(200);
  await until('it is over', async () => (await world.pump.status()).lag === 0);
});

test('a stop waits for calls under way, and takes nothing new', async (t) => {
  const world = createWorld(t, { concurrency: 1 });
  await world.broker.send('a');
  await world.broker.send('b');
  await until('the call', () => world.calls.has('a'));
  const stop = new AbortController();
  const closed = world.pump.close(stop.signal);
  world.calls.get('a')?.(200);
  await closed;
  assert.deepEqual(world.seen, ['a']);
  assert.equal(await (await world.broker.source.connect({ connected() {}, disconnected() {} }, stop.signal)).lag(), 1);
});

test('a stop that is out of time puts back what it cuts off', async (t) => {
  const world = createWorld(t);
  await world.broker.send('a');
  await until('the call', () => world.calls.has('a'));
  await world.pump.close(AbortSignal.abort());
  const next = await world.broker.source.connect({ connected() {}, disconnected() {} }, AbortSignal.abort());
  const again = await next.next(new AbortController().signal);
  assert.equal(again?.attempt, 2);
});
