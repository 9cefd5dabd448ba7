import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testWorkload } from '../../test/support/engine/test-workload.ts';
import type { Copy, CopyEnding } from './runner.ts';
import { type AdoptedInstance, Supervisor } from './supervisor.ts';

const adopted: AdoptedInstance = {
  id: 'f-00001-a',
  revision: 'space/f-00001',
  state: 'ready',
  address: { kind: 'frame', socketPath: '/nowhere', owner: 0 },
  concurrency: 1,
  startedAtMs: 0,
  pooled: false,
  protections: {
    cgroup: 'none',
    noNewPrivileges: false,
    mountNamespace: false,
    pidNamespace: false,
    network: 'host',
    memoryLimit: 'none',
    missing: [],
  },
};
const outcome = {
  ok: false,
  timedOut: false,
  canceled: false,
  oomKilled: false,
  exitCode: 3,
  signal: null,
  durationMs: 1,
};
const never = new Promise<never>(() => undefined);

test('calls in an adopted instance get their function’s time limit to end in, not the grace of its stop', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const supervisor = new Supervisor({
    runner: { check: () => undefined, run: () => assert.fail('started') },
    whenIdle: () => never,
  });
  const stops: number[] = [];
  const copy = { ready: never, exiting: never, ended: never, stop: (graceMs: number) => void stops.push(graceMs) };
  supervisor.adopt(adopted, copy, { timeoutMs: 60_000, graceMs: 2000 });
  supervisor.dropUnclaimed();
  assert.equal(supervisor.table.get(adopted.id)?.state, 'draining');
  t.mock.timers.tick(59_000);
  await new Promise(setImmediate);
  assert.deepEqual(stops, []);
  t.mock.timers.tick(1000);
  await new Promise(setImmediate);
  assert.deepEqual(stops, [2000]);
});

test('when everything stops, a copy that does not get idle is stopped soon, whatever time its function has', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const supervisor = new Supervisor({
    runner: { check: () => undefined, run: () => assert.fail('started') },
    whenIdle: () => never,
  });
  const ended = Promise.withResolvers<CopyEnding>();
  const stops: number[] = [];
  const stop = (graceMs: number): void => {
    stops.push(graceMs);
    ended.resolve({ outcome, blameless: false });
  };
  const copy = { ready: never, exiting: never, ended: ended.promise, stop };
  supervisor.adopt(adopted, copy, { timeoutMs: 24 * 3_600_000, graceMs: 3_600_000 });
  const closed = supervisor.close();
  await new Promise(setImmediate);
  assert.deepEqual(stops, [], 'it has a moment');
  t.mock.timers.tick(1000);
  await closed;
  assert.deepEqual(stops, [10_000]);
});

test('a copy that ended by itself gets no more calls before what it leaves is cleared away', async () => {
  const supervisor = new Supervisor({ runner: { check: () => undefined, run: () => assert.fail('started') } });
  const exiting = Promise.withResolvers<{ blameless: boolean }>();
  const ended = Promise.withResolvers<CopyEnding>();
  const copy = { ready: never, exiting: exiting.promise, ended: ended.promise, stop: () => assert.fail('stopped') };
  supervisor.adopt(adopted, copy, { timeoutMs: 1000, graceMs: 1000 });
  const states: string[] = [];
  supervisor.table.watch(({ instance }) => states.push(instance.state));
  exiting.resolve({ blameless: false });
  await new Promise(setImmediate);
  assert.deepEqual(states, ['draining']);
  ended.resolve({ outcome, reason: 'exited with code 3', blameless: false });
  await new Promise(setImmediate);
  assert.deepEqual(states, ['draining', 'failed']);
  assert.equal(supervisor.table.all()[0]?.reason, 'exited with code 3');
});

test('copies lost by the platform’s own fault are made again at once, however often; those that end by themselves are not', async () => {
  const copies: { lose: (blameless: boolean) => void }[] = [];
  const run = (): Copy => {
    const exiting = Promise.withResolvers<{ blameless: boolean }>();
    const ended = Promise.withResolvers<CopyEnding>();
    const { address = { kind: 'frame', socketPath: '/nowhere', owner: 0 }, protections } = adopted;
    copies.push({
      lose: (blameless) => {
        exiting.resolve({ blameless });
        ended.resolve({ outcome, reason: 'gone', blameless });
      },
    });
    const ready = Promise.resolve({ address, protections, pooled: false });
    return { ready, exiting: exiting.promise, ended: ended.promise, stop: () => undefined };
  };
  const supervisor = new Supervisor({ runner: { check: () => undefined, run }, stableAfterMs: 2 ** 30 });
  const workload = testWorkload('often');
  supervisor.apply(workload);
  supervisor.scale(workload.revision, 1);
  for (let lost = 1; lost <= 10; lost += 1) {
    await new Promise(setImmediate);
    assert.equal(copies.length, lost);
    copies.at(-1)?.lose(true);
  }
  await new Promise(setImmediate);
  assert.equal(copies.length, 11);
  copies.at(-1)?.lose(false);
  await new Promise(setImmediate);
  assert.equal(copies.length, 11, 'the next one waits');
  supervisor.scale(workload.revision, 0);
});
