import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FakeTransport } from '../../test/support/fake-transport.ts';
import {
  callsOf,
  createWorld,
  ends,
  key,
  rejects,
  revision,
  settingsOf,
  textOf,
} from '../../test/support/router-world.ts';
import { until } from '../../test/support/until.ts';
import { TinderboxError } from '../model/errors.ts';
import type { Reply } from '../model/invocation.ts';
import { unsentError } from './transport/unsent.ts';

test('a function nobody deployed is not found', async () => {
  const world = createWorld();
  await rejects(world.invoke({ function: 'nobody.openfaas-fn' }), 'not-found');
});

test('calls go to the instance with the smallest share of its slots taken, and never beyond its slots (1)', async () => {
  const world = createWorld();
  world.instance('a', 'ready');
  world.instance('b', 'ready', { concurrency: 4 });
  const replies = Array.from({ length: 8 }, () => world.invoke());
  assert.equal(callsOf(world, 'a').length, 2);
  assert.equal(callsOf(world, 'b').length, 4);
  assert.deepEqual([world.load().inFlight, world.load().waiting, world.load().peak], [6, 2, 8]);
  callsOf(world, 'b')[0]?.answer('first');
  assert.equal(await textOf(replies[1] as Promise<Reply>), 'first');
  assert.equal(callsOf(world, 'b').length, 5);
  for (const id of ['a', 'b']) for (const call of callsOf(world, id)) call.answer();
  await until('the queue to drain', () => world.load().waiting === 0);
  for (const id of ['a', 'b']) for (const call of callsOf(world, id)) call.answer();
  await Promise.all(replies);
  assert.equal(world.load().inFlight, 0);
});

test('who waits is served in the order of arrival (2)', async () => {
  const world = createWorld();
  world.instance('a', 'ready', { concurrency: 1 });
  const replies = ['1', '2', '3'].map((id) => world.invoke({ id }));
  const served: string[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await until('a call', () => callsOf(world, 'a').length === turn + 1);
    served.push(callsOf(world, 'a')[turn]?.call.id ?? '');
    callsOf(world, 'a')[turn]?.answer();
    await replies[turn];
  }
  assert.deepEqual(served, ['1', '2', '3']);
});

test('a full queue answers 429, a full host 503, both with a time to retry', async () => {
  const queue = createWorld(settingsOf({ queueDepth: 1 }));
  queue.instance('a', 'ready', { concurrency: 1 });
  void queue.invoke();
  void queue.invoke();
  await rejects(queue.invoke(), 'queue-full', { status: 429, retryAfterMs: 1000 });

  const calls = createWorld(settingsOf(), { waitingCalls: 1, bufferedBytes: 1000 });
  void calls.invoke();
  await rejects(calls.invoke(), 'host-full', { status: 503, retryAfterMs: 1000 });

  const bytes = createWorld();
  const abort = new AbortController();
  const large = bytes.invoke({ body: Buffer.alloc(900) }, abort.signal);
  await rejects(bytes.invoke({ body: Buffer.alloc(200) }), 'host-full');
  abort.abort();
  await rejects(large, 'canceled');
  const fits = bytes.invoke({ body: Buffer.alloc(200) });
  bytes.instance('a', 'ready');
  callsOf(bytes, 'a')[0]?.answer();
  assert.equal(await textOf(fits), 'ok');
});

test('many callers of a sleeping function wake it once, wait, and are told it was cold', async (t) => {
  const seen = ends(t);
  const world = createWorld();
  const replies = Array.from({ length: 5 }, () => world.invoke());
  assert.deepEqual(world.wakes, [revision]);
  world.instance('a', 'starting');
  assert.equal(world.load().starting, 1);
  world.pass(100);
  world.instance('a', 'ready', { concurrency: 10 });
  for (const call of callsOf(world, 'a')) call.answer();
  await Promise.all(replies);
  assert.equal(seen.length, 5);
  assert.ok(seen.every((end) => end.cold && end.queuedMs === 100 && end.status === 200));
  const warm = world.invoke();
  callsOf(world, 'a').at(-1)?.answer();
  await warm;
  await until('its end to be told', () => seen.length === 6);
  assert.deepEqual([seen[5]?.cold, seen[5]?.queuedMs], [false, 0]);
});

test('a start that fails is told to all who wait, and is not tried again for every call (5)', async () => {
  const world = createWorld();
  world.wake = () => Promise.reject(new TinderboxError('deploy-failed', 'no such module'));
  const replies = [world.invoke(), world.invoke()];
  for (const reply of replies) {
    await rejects(reply, 'cannot-start', { status: 503, retryAfterMs: 1000, message: /no such module/ });
  }
  await rejects(world.invoke(), 'cannot-start', { retryAfterMs: 1000 });
  world.pass(600);
  await rejects(world.invoke(), 'cannot-start', { retryAfterMs: 400 });
  assert.equal(world.wakes.length, 1);
  world.pass(500);
  await rejects(world.invoke(), 'cannot-start');
  assert.equal(world.wakes.length, 2);
  world.pass(1900);
  await rejects(world.invoke(), 'cannot-start');
  assert.equal(world.wakes.length, 2);
});

test('an answer ends the back-off', async () => {
  const world = createWorld();
  world.wake = () => Promise.reject(new TinderboxError('internal', 'x'));
  await rejects(world.invoke(), 'cannot-start');
  world.instance('a', 'ready');
  const reply = world.invoke();
  callsOf(world, 'a')[0]?.answer();
  await reply;
  world.instance('a', 'stopped');
  world.wake = () => Promise.resolve();
  void world.invoke();
  assert.equal(world.wakes.length, 2);
});

test('a full host refuses a wake-up without a back-off', async () => {
  const world = createWorld();
  world.wake = () => Promise.reject(new TinderboxError('host-full', 'no room', { retryAfterMs: 3000 }));
  await rejects(world.invoke(), 'host-full', { retryAfterMs: 3000 });
  await rejects(world.invoke(), 'host-full');
  assert.equal(world.wakes.length, 2);
});

test('an instance that dies before it answers anything refuses who waits', async () => {
  const world = createWorld();
  const reply = world.invoke();
  await until('the wake-up to be over', () => world.wakes.length === 1);
  world.instance('a', 'starting');
  world.instance('a', 'failed', { reason: 'it printed: boom' });
  await rejects(reply, 'cannot-start', { message: /boom/ });
});

test('an instance made while the wake-up is under way serves the caller at once', async () => {
  const world = createWorld();
  world.wake = () => {
    world.instance('a', 'ready');
    return Promise.resolve();
  };
  const reply = world.invoke();
  callsOf(world, 'a')[0]?.answer('woken');
  assert.equal(await textOf(reply), 'woken');
});

test('nobody waits for ever for an instance that does not come', async () => {
  const world = createWorld();
  const reply = world.invoke();
  world.pass(61_000);
  await rejects(reply, 'cannot-start', { status: 503 });
  assert.equal(world.load().waiting, 0);
});

test('a draining instance gets no new calls and keeps its connections until its last call ended (3)', async () => {
  const world = createWorld();
  world.instance('a', 'ready');
  const reply = world.invoke();
  world.instance('a', 'draining');
  void world.invoke();
  assert.equal(callsOf(world, 'a').length, 1);
  assert.equal(world.transports.get('a')?.closed, false);
  callsOf(world, 'a')[0]?.answer('late');
  assert.equal(await textOf(reply), 'late');
  assert.equal(world.transports.get('a')?.closed, true);
});

test('whoever stops a draining instance is told when its last call ended', async () => {
  const world = createWorld();
  world.instance('a', 'ready');
  await world.router.whenIdle('nobody');
  const reply = world.invoke();
  world.instance('a', 'draining');
  let idle = false;
  const told = world.router.whenIdle('a').then(() => (idle = true));
  await new Promise(setImmediate);
  assert.equal(idle, false);
  callsOf(world, 'a')[0]?.answer('late');
  assert.equal(await textOf(reply), 'late');
  await told;
});

test('an instance that breaks the protocol is retired', async () => {
  const world = createWorld();
  world.instance('a', 'ready');
  world.violate('a');
  assert.deepEqual(world.retired, ['a']);
  assert.equal(world.load().ready, 0);
});

test('waiting calls follow the traffic to a new revision, and are refused when the function goes', async () => {
  const world = createWorld();
  const moved = world.invoke();
  const next = 'openfaas-fn/echo-00002';
  world.instance('b', 'ready', { revision: next });
  world.router.setRoute({ key, revision: next, settings: settingsOf() });
  callsOf(world, 'b')[0]?.answer('moved');
  assert.equal(await textOf(moved), 'moved');
  assert.deepEqual(
    world.router.load().map((load) => load.revision),
    [next],
  );
  world.instance('b', 'stopped', { revision: next });
  const gone = world.invoke();
  world.router.removeRoute(key);
  await rejects(gone, 'not-found');
  assert.equal(world.router.route(key), undefined);
  assert.deepEqual(world.router.load(), []);
});

test('closing lets running calls end, refuses new ones, and cuts off at the signal', async () => {
  const world = createWorld();
  world.instance('a', 'ready');
  const reply = world.invoke();
  const closing = world.router.close(new AbortController().signal);
  await rejects(world.invoke(), 'unavailable', { status: 503 });
  callsOf(world, 'a')[0]?.answer('last');
  assert.equal(await textOf(reply), 'last');
  await closing;
  assert.equal(world.transports.get('a')?.closed, true);

  const stuck = createWorld();
  stuck.instance('a', 'ready');
  void stuck.invoke();
  const abort = new AbortController();
  const cut = stuck.router.close(abort.signal);
  abort.abort();
  await cut;
  assert.equal(stuck.transports.get('a')?.closed, true);
});

test('a thousand calls end in a thousand free slots, whatever becomes of them', async () => {
  const world = createWorld(settingsOf({ timeoutMs: 1000, graceMs: 100 }), { waitingCalls: 5000, bufferedBytes: 1e6 });
  world.instance('a', 'ready', { concurrency: 7 });
  world.instance('b', 'ready', { concurrency: 3 });
  const settled: Promise<unknown>[] = [];
  for (let index = 0; index < 1000; index += 1) {
    const abort = new AbortController();
    settled.push(world.invoke({ body: Buffer.alloc(10) }, abort.signal).catch((error: unknown) => error));
    if (index % 5 === 0) abort.abort();
  }
  let turn = 0;
  const outcomes = [
    (call: FakeTransport['calls'][number]) => call.answer(),
    (call: FakeTransport['calls'][number]) => call.fail(unsentError('x')),
    (call: FakeTransport['calls'][number]) => call.fail(new TinderboxError('lost', 'x')),
  ];
  await until('all calls to end', () => {
    for (const transport of world.transports.values()) {
      for (const call of transport.calls.splice(0)) outcomes[turn++ % outcomes.length]?.(call);
    }
    world.pass(25);
    return world.load().inFlight + world.load().waiting === 0;
  });
  await Promise.all(settled);
  assert.deepEqual([world.load().inFlight, world.load().waiting, world.load().ready], [0, 0, 2]);
});
