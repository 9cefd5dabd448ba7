import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { FakeTransport } from '../../test/support/fake-transport.ts';
import { until } from '../../test/support/until.ts';
import { TinderboxError } from '../model/errors.ts';
import type { Instance, InstanceState } from '../model/instance.ts';
import type { Invocation, Reply } from '../model/invocation.ts';
import { type FunctionSettings, resolveSettings } from '../model/settings.ts';
import { invocationEnd, type InvocationEnd } from '../observe/channels.ts';
import { createRouter } from './create-router.ts';
import type { LoadSnapshot, Router } from './router.ts';
import { TimerWheel } from './timer-wheel.ts';
import { callOf } from './transport/conformance.ts';
import { unsentError } from './transport/unsent.ts';

const key = 'echo.openfaas-fn';
const revision = 'openfaas-fn/echo-00001';
const spec = { namespace: 'openfaas-fn', name: 'echo', image: 'x', secrets: [], labels: {}, annotations: {} };

function settingsOf(more: Partial<FunctionSettings> = {}): FunctionSettings {
  return { ...resolveSettings(spec), ...more };
}

interface World {
  readonly router: Router;
  readonly transports: Map<string, FakeTransport>;
  readonly wakes: string[];
  readonly retired: string[];
  wake: () => Promise<void>;
  instance(id: string, state: InstanceState, more?: Partial<Instance>): void;
  violate(id: string): void;
  invoke(more?: Partial<Invocation>, signal?: AbortSignal): Promise<Reply>;
  /** Moves the clock. */
  pass(ms: number): void;
  load(): LoadSnapshot;
}

function createWorld(settings = settingsOf(), budget = { waitingCalls: 100, bufferedBytes: 1000 }): World {
  let now = 1000;
  const wheel = new TimerWheel(() => now);
  const transports = new Map<string, FakeTransport>();
  const violations = new Map<string, (reason: string) => void>();
  const wakes: string[] = [];
  const retired: string[] = [];
  const router = createRouter({
    budget,
    now: () => now,
    wheel,
    hooks: {
      wake: (id) => {
        wakes.push(id);
        return world.wake();
      },
      retire: (id) => retired.push(id),
    },
    createTransport: (instance, _settings, onViolation) => {
      const transport = new FakeTransport();
      transports.set(instance.id, transport);
      violations.set(instance.id, onViolation);
      return transport;
    },
  });
  router.setRoute({ key, revision, settings });
  const world: World = {
    router,
    transports,
    wakes,
    retired,
    wake: () => Promise.resolve(),
    instance: (id, state, more) => router.instanceChanged({ instance: instanceOf(id, state, more) }),
    violate: (id) => violations.get(id)?.('nonsense'),
    invoke: (more, signal = new AbortController().signal) => router.invoke(callOf('/', more), signal),
    pass: (ms) => {
      for (let left = ms; left > 0; left -= 25) {
        now += Math.min(25, left);
        wheel.advance();
      }
    },
    load: () => router.load()[0] as LoadSnapshot,
  };
  return world;
}

function instanceOf(id: string, state: InstanceState, more: Partial<Instance> = {}): Instance {
  return {
    id,
    revision,
    state,
    address: { kind: 'http', host: '127.0.0.1', port: 1 },
    concurrency: 2,
    startedAtMs: 0,
    pooled: false,
    protections: {
      cgroup: 'none',
      noNewPrivileges: true,
      mountNamespace: false,
      pidNamespace: false,
      network: 'host',
      memoryLimit: 'none',
      missing: [],
    },
    ...more,
  };
}

function callsOf(world: World, id: string): FakeTransport['calls'] {
  return world.transports.get(id)?.calls ?? [];
}

async function textOf(reply: Promise<Reply>): Promise<string> {
  const answer = await reply;
  return answer.kind === 'buffered' ? answer.body.toString() : answer.kind;
}

function rejects(promise: Promise<unknown>, code: string, more: object = {}): Promise<void> {
  return assert.rejects(promise, { code, ...more });
}

function ends(t: TestContext): InvocationEnd[] {
  const seen: InvocationEnd[] = [];
  t.after(invocationEnd.subscribe((event) => seen.push(event)));
  return seen;
}

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

test('past its deadline the caller gets 504 and the slot stays taken until the instance is done', async (t) => {
  const seen = ends(t);
  const world = createWorld(settingsOf({ timeoutMs: 1000, graceMs: 500 }));
  world.instance('a', 'ready', { concurrency: 1 });
  const reply = world.invoke();
  const next = world.invoke();
  const rejected = rejects(reply, 'deadline', { status: 504 });
  world.pass(1100);
  await rejected;
  const [call] = callsOf(world, 'a');
  assert.equal(call?.signal?.aborted, true);
  assert.deepEqual([seen[0]?.status, world.load().inFlight, world.load().waiting], [504, 1, 1]);
  call?.fail(call.signal?.reason);
  await until('the next call', () => callsOf(world, 'a').length === 2);
  callsOf(world, 'a')[1]?.answer('next');
  assert.equal(await textOf(next), 'next');
  world.pass(5000);
  assert.deepEqual(world.retired, []);
});

test('an instance that ignores the cancel for its grace gets no more calls and is retired', async () => {
  const world = createWorld(settingsOf({ timeoutMs: 1000, graceMs: 500 }));
  world.instance('a', 'ready');
  const rejected = rejects(world.invoke(), 'deadline');
  world.pass(1100);
  await rejected;
  assert.deepEqual(world.retired, []);
  world.pass(600);
  assert.deepEqual(world.retired, ['a']);
  void world.invoke();
  assert.equal(callsOf(world, 'a').length, 1);
  assert.equal(world.load().waiting, 1);
  assert.deepEqual(world.wakes, [revision]);
  callsOf(world, 'a')[0]?.fail(new TinderboxError('lost', 'killed'));
  await until('the transport to close', () => world.transports.get('a')?.closed);
});

test('a reply that comes after the deadline is dropped, and its stream is ended', async () => {
  const world = createWorld(settingsOf({ timeoutMs: 1000 }));
  world.instance('a', 'ready');
  const rejected = rejects(world.invoke(), 'deadline');
  world.pass(1100);
  await rejected;
  const body = new Readable({ read() {} });
  const reply = { kind: 'streaming', status: 200, headers: [], origin: 'function', body } as const;
  callsOf(world, 'a')[0]?.send({ ...reply, contentLength: undefined, trailers: () => [] });
  await until('the stream to end', () => body.destroyed);
});

test('a deadline in the middle of a stream cancels it; the slot is free when the instance is done', async () => {
  const world = createWorld(settingsOf({ timeoutMs: 1000 }));
  world.instance('a', 'ready');
  const promise = world.invoke();
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const body = new Readable({ read() {} });
  const reply = { kind: 'streaming', status: 200, headers: [], origin: 'function', body } as const;
  callsOf(world, 'a')[0]?.send({ ...reply, contentLength: undefined, trailers: () => [] }, done);
  await promise;
  assert.equal(world.load().inFlight, 1);
  world.pass(1100);
  assert.equal(callsOf(world, 'a')[0]?.signal?.aborted, true);
  resolve();
  await until('the slot to be free', () => world.load().inFlight === 0);
});

test('a caller that leaves cancels; waiting or running', async (t) => {
  const seen = ends(t);
  const world = createWorld();
  world.instance('a', 'ready', { concurrency: 1 });
  const [running, waiting] = [new AbortController(), new AbortController()];
  const first = world.invoke({}, running.signal);
  const second = world.invoke({}, waiting.signal);
  waiting.abort();
  await rejects(second, 'canceled');
  assert.equal(world.load().waiting, 0);
  running.abort();
  await rejects(first, 'canceled');
  const [call] = callsOf(world, 'a');
  assert.equal(call?.signal?.aborted, true);
  assert.equal(world.load().inFlight, 1);
  call?.fail(call.signal?.reason);
  await until('the slot to be free', () => world.load().inFlight === 0);
  assert.deepEqual(
    seen.map((end) => end.status),
    [499, 499],
  );
  await rejects(world.invoke({}, AbortSignal.abort()), 'canceled');
});

test('a call is tried once more where nothing was sent, elsewhere if possible, and only once', async () => {
  const world = createWorld();
  world.instance('a', 'ready');
  world.instance('b', 'ready');
  const reply = world.invoke();
  callsOf(world, 'a')[0]?.fail(unsentError('refused'));
  await until('the second try', () => callsOf(world, 'b').length === 1);
  callsOf(world, 'b')[0]?.answer('second');
  assert.equal(await textOf(reply), 'second');

  const doomed = world.invoke();
  callsOf(world, 'b')[1]?.fail(unsentError('refused'));
  world.pass(300);
  await until('the second try', () => callsOf(world, 'a').length + callsOf(world, 'b').length === 4);
  for (const call of [...callsOf(world, 'a'), ...callsOf(world, 'b')]) call.fail(unsentError('refused again'));
  await rejects(doomed, 'lost', { status: 502 });
  assert.equal(world.load().inFlight, 0);
});

test('a call that may have reached the function is never repeated', async () => {
  const world = createWorld();
  world.instance('a', 'ready');
  world.instance('b', 'ready');
  const reply = world.invoke();
  callsOf(world, 'a')[0]?.fail(new TinderboxError('lost', 'gone'));
  await rejects(reply, 'lost', { status: 502 });
  assert.equal(callsOf(world, 'b').length, 0);
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
