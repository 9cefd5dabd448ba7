import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../test/support/until.ts';
import { TinderboxError } from '../../model/errors.ts';
import { type Behaviour, engineConformance } from '../conformance.ts';
import { testWorkload } from '../../../test/support/engine/test-workload.ts';
import { type FakeScript, createFakeEngine } from './engine.ts';

const scripts: Readonly<Record<Behaviour, FakeScript>> = {
  serves: { lines: ['serving'] },
  exits: { startError: 'exited with code 7', lines: ['about to fail'] },
  'never-ready': { startError: 'it never became ready', startDelayMs: 200 },
  'ignores-stop': { ignoresStop: true },
};

engineConformance('fake', async () => {
  const engine = createFakeEngine({
    script: (workload) => scripts[workload.env['BEHAVIOUR'] as Behaviour],
    stableAfterMs: 500,
  });
  await engine.start();
  return {
    engine,
    workload: (name, behaviour) => testWorkload(name, { env: { BEHAVIOUR: behaviour } }),
    crash: async (instance, exitCode) => engine.copy(instance.id).exit(exitCode),
    isLeft: async (instance) => {
      try {
        return engine.copy(instance.id) !== undefined;
      } catch {
        return false;
      }
    },
    close: () => engine.close(),
  };
});

test('a start can be held back, let through and refused by hand', async () => {
  const engine = createFakeEngine({
    script: () => ({ start: 'hand' }),
    refuse: ({ name }) => (name === 'refused' ? new TinderboxError('unsupported', 'not here') : undefined),
  });
  const workload = testWorkload('by-hand');
  await engine.apply(workload);
  await engine.scale(workload.revision, 1);
  const [instance] = engine.instances();
  assert.equal(instance?.state, 'starting');
  engine.copy(instance.id).becomeReady();
  await until('ready', () => engine.instances()[0]?.state === 'ready');
  await assert.rejects(engine.apply(testWorkload('refused')), { code: 'unsupported' });
  await engine.close();
  assert.throws(() => engine.copy(instance.id), { code: 'not-found' });
});

test('calls in a draining instance end before it is stopped, or reach their deadline', async () => {
  const calls = Promise.withResolvers<void>();
  const engine = createFakeEngine({ whenIdle: () => calls.promise });
  const workload = testWorkload('busy', { settings: { graceMs: 5000 } });
  await engine.apply(workload);
  await engine.scale(workload.revision, 1);
  await until('ready', () => engine.instances()[0]?.state === 'ready');
  await engine.scale(workload.revision, 0);
  assert.equal(engine.instances()[0]?.state, 'draining');
  calls.resolve();
  await until('stopped', () => engine.instances()[0]?.state === 'stopped', 1000);
  await engine.close();
});
