import type { TestContext } from 'node:test';
import type { InstanceChange } from '../../src/engine/engine.ts';
import { TinderboxError } from '../../src/model/errors.ts';
import type { Instance, InstanceState } from '../../src/model/instance.ts';
import type { RevisionId } from '../../src/model/names.ts';
import { type FunctionSettings, resolveSettings } from '../../src/model/settings.ts';
import type { LoadSnapshot } from '../../src/router/router.ts';
import type { HostBudget } from '../../src/scaler/budget.ts';
import { createScaler } from '../../src/scaler/create-scaler.ts';
import type { Scaler, ScalerOptions } from '../../src/scaler/scaler.ts';

const roomy: HostBudget = { instances: 100, memoryBytes: 2 ** 40, concurrentStarts: 10 };

/** A scaler whose engine, load and clock are in the hands of the test. */
export class ScalerBench {
  readonly stated: [RevisionId, number][] = [];
  readonly loads = new Map<RevisionId, LoadSnapshot>();
  readonly scaler: Scaler;
  nowMs = 1_000;
  completed = 0;
  refuse: TinderboxError | undefined;
  readonly #instances = new Map<string, Instance>();
  readonly #listeners = new Set<(change: InstanceChange) => void>();
  readonly #t: TestContext;

  constructor(t: TestContext, budget: Partial<HostBudget> = {}, more: Partial<ScalerOptions> = {}) {
    this.#t = t;
    t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
    this.scaler = createScaler({
      engine: {
        scale: async (revision, count) => {
          if (this.refuse !== undefined) throw this.refuse;
          this.stated.push([revision, count]);
        },
        instances: () => [...this.#instances.values()],
        watch: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      load: () => [...this.loads.values()],
      budget: { ...roomy, ...budget },
      intervalMs: 1_000,
      host: () => ({ cores: 2, idleShare: 1 }),
      now: () => this.nowMs,
      ...more,
    });
    t.after(() => this.scaler.close());
  }

  change(revision: RevisionId, id: string, state: InstanceState, reason?: string): void {
    const base = { id, revision, state, concurrency: 10, startedAtMs: 0, pooled: false };
    const instance = { ...base, ...(reason === undefined ? {} : { reason }) } as unknown as Instance;
    this.#instances.set(id, instance);
    for (const listener of this.#listeners) listener({ instance });
  }

  ready(revision: RevisionId, id = `${revision}#1`): void {
    this.change(revision, id, 'starting');
    this.change(revision, id, 'ready');
  }

  load(revision: RevisionId, inFlight: number, waiting = 0): void {
    this.loads.set(revision, {
      revision,
      inFlight,
      waiting,
      ready: 1,
      starting: 0,
      peak: 0,
      completed: this.completed,
      lastActiveMs: this.nowMs,
    });
  }

  tick(ms = 1_000): void {
    this.nowMs += ms;
    this.#t.mock.timers.tick(ms);
  }

  last(revision: RevisionId): number | undefined {
    return this.stated.findLast(([each]) => each === revision)?.[1];
  }
}

export const a: RevisionId = 'ns/a-00001';
export const b: RevisionId = 'ns/b-00001';
export const c: RevisionId = 'ns/c-00001';

/** What follows from labels below `com.openfaas.scale.`. */
export function settings(
  labels: Record<string, string> = {},
  annotations: Record<string, string> = {},
): FunctionSettings {
  const scale = Object.entries(labels).map(([key, value]) => [`com.openfaas.scale.${key}`, value]);
  const spec = { namespace: 'ns', name: 'a', image: 'a', secrets: [], annotations };
  return resolveSettings({ ...spec, labels: Object.fromEntries(scale), envVars: { max_inflight: '10' } });
}

export const napping = settings({ 'zero-duration': '5s' });

export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof TinderboxError && error.code === code;
}
