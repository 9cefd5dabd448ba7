import assert from 'node:assert/strict';
import type { Instance, InstanceState } from '../../src/model/instance.ts';
import type { Invocation, Reply } from '../../src/model/invocation.ts';
import { type FunctionSettings, resolveSettings } from '../../src/model/settings.ts';
import { invocationEnd, type InvocationEnd } from '../../src/observe/channels.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { LoadSnapshot, Router } from '../../src/router/router.ts';
import { TimerWheel } from '../../src/router/timer-wheel.ts';
import { callOf } from '../../src/router/transport/conformance.ts';
import { FakeTransport } from './fake-transport.ts';

export const key = 'echo.openfaas-fn';
export const revision = 'openfaas-fn/echo-00001';
const spec = { namespace: 'openfaas-fn', name: 'echo', image: 'x', secrets: [], labels: {}, annotations: {} };

export function settingsOf(more: Partial<FunctionSettings> = {}): FunctionSettings {
  return { ...resolveSettings(spec), ...more };
}

/** A router on fake transports and a clock of its own. */
export interface World {
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

export function createWorld(settings = settingsOf(), budget = { waitingCalls: 100, bufferedBytes: 1000 }): World {
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
      ownsAddress: () => Promise.resolve(true),
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

export function callsOf(world: World, id: string): FakeTransport['calls'] {
  return world.transports.get(id)?.calls ?? [];
}

export async function textOf(reply: Promise<Reply>): Promise<string> {
  const answer = await reply;
  return answer.kind === 'buffered' ? answer.body.toString() : answer.kind;
}

export function rejects(promise: Promise<unknown>, code: string, more: object = {}): Promise<void> {
  return assert.rejects(promise, { code, ...more });
}

export function ends(t: { after(fn: () => void): void }): InvocationEnd[] {
  const seen: InvocationEnd[] = [];
  t.after(invocationEnd.subscribe((event) => seen.push(event)));
  return seen;
}
