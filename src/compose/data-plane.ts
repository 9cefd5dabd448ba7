import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { createControl } from '../control/control.ts';
import { createProcessEngine } from '../engine/process/engine.ts';
import { formatFunctionKey } from '../model/names.ts';
import { recordFolders } from '../model/record-keys.ts';
import { startIdleCollector } from '../observe/idle-collector.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createRouter } from '../router/create-router.ts';
import type { LoadSnapshot, RouterHooks } from '../router/router.ts';
import { readProgramUsage } from '../sandbox/program-usage.ts';
import { AwakeHolds } from '../scaler/awake-holds.ts';
import { createScaler } from '../scaler/create-scaler.ts';
import type { Base } from './base.ts';
import { createMetricsViews } from './metrics-views.ts';
import { createMeters } from './meters.ts';

/** Engine, router, scaler, control: joined here and nowhere else. */
export async function startDataPlane(config: Config, version: string, base: Base, stack: AsyncDisposableStack) {
  const engine = createProcessEngine({
    stateDir: config.stateDir,
    runDir: config.runDir,
    sandbox: base.sandbox,
    sweptFolders: [base.builder.secretsRoot],
    pool: config.pool,
    logFileBytes: config.logFileBytes,
    concurrentStarts: config.budget.concurrentStarts,
    whenIdle: (instanceId) => router.whenIdle(instanceId),
    keeperOrphanMs: config.keeperOrphanMs,
    startTimeoutMs: config.startTimeoutMs,
  });
  stack.defer(() => engine.close());
  const metrics = createMetrics(
    createMetricsViews(config, version, () => ({ engine, router, scaler, cages: base.sandbox.cages })),
  );
  stack.defer(() => metrics.close());
  stack.defer(
    base.store.watch(recordFolders.functions, ({ key, value }) => {
      const [namespace = '', name = ''] = key.slice(recordFolders.functions.length).split('/');
      if (value === undefined) metrics.forget(formatFunctionKey(namespace, name));
    }),
  );
  const hooks: RouterHooks = {
    wake: (revision) => scaler.wake(revision),
    retire: (instance, reason) => engine.retire(instance, reason),
    ownsAddress: (instance) => engine.ownsAddress(instance),
  };
  const router = createRouter({ hooks, budget: config.budget });
  stack.defer(() => router.close(base.drain()));
  stack.defer(engine.watch((change) => router.instanceChanged(change)));
  stack.defer(startIdleCollector({ calls: () => sumOf(router.load()) }));
  // Only now, so that the router hears of the instances an earlier platform left running.
  await engine.start();
  const meters = createMeters({
    engine,
    usage: (pid) => readProgramUsage(base.sandbox.cages, pid),
    inFlight: (revision) => router.load().find((load) => load.revision === revision)?.inFlight ?? 0,
    prometheusUrl: config.prometheusUrl,
  });
  const holds = new AwakeHolds();
  const scaler = createScaler({
    engine,
    load: () => holds.withHolds(router.load()),
    budget: config.budget,
    intervalMs: config.scaleIntervalMs,
    meters,
    defaults: config.scaling,
  });
  stack.defer(() => scaler.close());
  const removeLogs = logRemover(join(config.stateDir, 'logs'));
  const identities = base.sandbox.abilities.root ? base.identities : undefined;
  // Room for a second attempt, however long a start may take.
  const limits = { startDeadlineMs: Math.max(60_000, 2 * config.startTimeoutMs) };
  const control = createControl({ ...base, identities, engine, scaler, router, removeLogs, limits });
  stack.defer(() => control.close());
  await control.start();
  return { engine, router, scaler, metrics, meters, holds };
}

function logRemover(directory: string): (namespace: string, name: string) => Promise<void> {
  return (namespace, name) => rm(join(directory, namespace, name), { recursive: true, force: true });
}

function sumOf(loads: readonly LoadSnapshot[]): { readonly completed: number; readonly underWay: number } {
  const sum = { completed: 0, underWay: 0 };
  for (const { completed, inFlight, waiting } of loads) {
    sum.completed += completed;
    sum.underWay += inFlight + waiting;
  }
  return sum;
}
