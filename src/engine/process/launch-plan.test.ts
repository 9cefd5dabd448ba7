import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleWorkload } from '../../../test/support/engine/test-bundle.ts';
import type { Workload } from '../engine.ts';
import { decideLaunchPlan, type LaunchPlan } from './launch-plan.ts';

const runtimes = {
  node: '/node',
  uses: [],
  keeperMain: '/keeper',
  nodeMain: '/node-main',
  pythonMain: undefined,
  watchdogMain: '/watchdog-main',
};

function workload(
  env: Readonly<Record<string, string>>,
  process: string | undefined,
  network: 'host' | 'none',
): Workload {
  const manifest = { language: 'exec', mode: 'fork', ...(process === undefined ? {} : { process }) } as const;
  const made = bundleWorkload('fn', '/artifact', manifest, { env });
  return { ...made, settings: { ...made.settings, network } };
}

function plan(
  env: Readonly<Record<string, string>>,
  process?: string,
  network: 'host' | 'none' = 'host',
): Pick<LaunchPlan, 'mode' | 'runtime'> {
  const { mode, runtime } = decideLaunchPlan({ runtimes, python: undefined }, workload(env, process, network));
  return { mode, runtime };
}

test('the variable mode chooses who runs an exec function', () => {
  const watchdog = { mode: 'fork', runtime: 'watchdog' };
  for (const mode of ['fork', 'classic', 'streaming', 'serializing']) assert.deepEqual(plan({ mode }, './a'), watchdog);
  assert.deepEqual(plan({}, './a'), watchdog);
  assert.deepEqual(plan({ mode: 'static' }), watchdog);
  assert.deepEqual(plan({ mode: 'http' }, './a'), { mode: 'http', runtime: undefined });
  for (const name of ['upstream_url', 'http_upstream_url']) {
    assert.deepEqual(plan({ mode: 'http', [name]: 'http://127.0.0.1:3000' }, './a'), watchdog);
  }
  assert.throws(() => plan({ mode: 'afterburn' }, './a'), { code: 'unsupported', message: /"afterburn".*classic/ });
});

test('all but files need a process', () => {
  for (const mode of ['fork', 'classic', 'http']) assert.throws(() => plan({ mode }), { code: 'invalid' });
});

test('what serves HTTP cannot be without a network, with a watchdog beside it or not', () => {
  for (const upstream of [{}, { upstream_url: 'http://127.0.0.1:3000' }]) {
    assert.throws(() => plan({ mode: 'http', ...upstream }, './a', 'none'), { message: /network "none"/ });
  }
  assert.deepEqual(plan({ mode: 'static' }, undefined, 'none').runtime, 'watchdog');
});
