import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
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
import { refusedError, unsentError } from './transport/unsent.ts';

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

test('a retired instance is idle once its other calls have ended, whatever becomes of the one that ignored its cancel', async () => {
  const world = createWorld(settingsOf({ timeoutMs: 1000, graceMs: 500 }));
  world.instance('a', 'ready');
  const rejected = rejects(world.invoke(), 'deadline');
  world.pass(900);
  const other = world.invoke();
  world.pass(750);
  await rejected;
  assert.deepEqual(world.retired, ['a']);
  let idle = false;
  const whenIdle = world.router.whenIdle('a').then(() => (idle = true));
  await Promise.resolve();
  assert.equal(idle, false);
  callsOf(world, 'a')[1]?.answer('other');
  assert.equal(await textOf(other), 'other');
  await whenIdle;
  assert.equal(world.transports.get('a')?.closed, true);
  callsOf(world, 'a')[0]?.answer('late');
  await Promise.resolve();
  assert.equal(world.load().inFlight, 0);
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

test('a call its instance refused before it began is tried once more, and then told to come again', async () => {
  const world = createWorld();
  world.instance('a', 'ready', { concurrency: 1 });
  const reply = world.invoke();
  callsOf(world, 'a')[0]?.fail(refusedError('busy'));
  await until('the call to wait', () => world.load().waiting === 1);
  world.pass(300);
  await until('the second try', () => callsOf(world, 'a').length === 2);
  callsOf(world, 'a')[1]?.answer('begun');
  assert.equal(await textOf(reply), 'begun');

  const doomed = world.invoke();
  callsOf(world, 'a')[2]?.fail(refusedError('busy'));
  await until('the call to wait', () => world.load().waiting === 1);
  world.pass(300);
  await until('the second try', () => callsOf(world, 'a').length === 4);
  callsOf(world, 'a')[3]?.fail(refusedError('still busy'));
  await rejects(doomed, 'unavailable', { status: 503, retryAfterMs: 1000 });
});

test('the second try goes where the traffic goes by then', async () => {
  const world = createWorld();
  const next = 'openfaas-fn/echo-00002';
  world.instance('a', 'ready');
  const reply = world.invoke();
  world.router.setRoute({ key, revision: next, settings: settingsOf() });
  callsOf(world, 'a')[0]?.fail(unsentError('stopped'));
  await until('the call to wait at the new revision', () =>
    world.router.load().some((load) => load.revision === next && load.waiting === 1),
  );
  assert.deepEqual(world.wakes, [next]);
  world.instance('b', 'ready', { revision: next });
  callsOf(world, 'b')[0]?.answer('new');
  assert.equal(await textOf(reply), 'new');
  world.instance('a', 'stopped');
  assert.deepEqual(
    world.router.load().map((load) => load.revision),
    [next],
    'the old revision is forgotten',
  );
});

test('a second try of a function that was removed meanwhile is refused, and leaves nothing behind', async () => {
  const world = createWorld();
  world.instance('a', 'ready');
  const reply = world.invoke();
  world.router.removeRoute(key);
  callsOf(world, 'a')[0]?.fail(unsentError('stopped'));
  await rejects(reply, 'not-found');
  world.instance('a', 'stopped');
  assert.deepEqual(world.router.load(), []);
});

test('a body that was read in part is not sent again', async () => {
  const world = createWorld();
  world.instance('a', 'ready');
  world.instance('b', 'ready');
  const untouched = Readable.from([Buffer.from('whole')]);
  const repeated = world.invoke({ body: untouched });
  callsOf(world, 'a')[0]?.fail(unsentError('stopped'));
  await until('the second try', () => callsOf(world, 'b').length === 1);
  assert.equal(callsOf(world, 'b')[0]?.call.body, untouched);
  callsOf(world, 'b')[0]?.answer();
  await repeated;

  world.pass(300);
  const body = new Readable({ read() {} });
  const reply = world.invoke({ body });
  body.on('data', () => {}).push('half');
  await until('the body to be read', () => body.readableDidRead);
  callsOf(world, 'a')[1]?.fail(refusedError('draining'));
  await rejects(reply, 'unavailable', { status: 503 });
  assert.deepEqual([callsOf(world, 'a').length, callsOf(world, 'b').length], [2, 1]);
});
