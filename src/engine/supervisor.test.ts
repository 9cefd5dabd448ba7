import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CopyEnding } from './runner.ts';
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

test('a copy that ended by itself gets no more calls before what it leaves is cleared away', async () => {
  const supervisor = new Supervisor({ runner: { check: () => undefined, run: () => assert.fail('started') } });
  const exiting = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<CopyEnding>();
  const copy = { ready: never, exiting: exiting.promise, ended: ended.promise, stop: () => assert.fail('stopped') };
  supervisor.adopt(adopted, copy, { timeoutMs: 1000, graceMs: 1000 });
  const states: string[] = [];
  supervisor.table.watch(({ instance }) => states.push(instance.state));
  exiting.resolve();
  await new Promise(setImmediate);
  assert.deepEqual(states, ['draining']);
  ended.resolve({ outcome, reason: 'exited with code 3', blameless: false });
  await new Promise(setImmediate);
  assert.deepEqual(states, ['draining', 'failed']);
  assert.equal(supervisor.table.all()[0]?.reason, 'exited with code 3');
});
