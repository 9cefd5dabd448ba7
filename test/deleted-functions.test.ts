import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { getHeapSnapshot, queryObjects } from 'node:v8';
import { createControl } from '../src/control/control.ts';
import type { FunctionRecord, FunctionSpec, RevisionRecord } from '../src/model/function.ts';
import { formatFunctionKey, formatRevisionId, type RevisionId } from '../src/model/names.ts';
import { formatFunctionRecordKey, formatRetiredRecordKey, formatRevisionRecordKey } from '../src/model/record-keys.ts';
import { createRouter } from '../src/router/create-router.ts';
import { Exchange } from '../src/router/exchange.ts';
import { Pool } from '../src/router/pool.ts';
import type { Router } from '../src/router/router.ts';
import { callOf } from '../src/router/transport/conformance.ts';
import { ScaleTarget } from '../src/scaler/scale-target.ts';
import { createScaler } from '../src/scaler/create-scaler.ts';
import type { Scaler } from '../src/scaler/scaler.ts';
import type { Store } from '../src/store/store.ts';
import { createRemains } from './support/control-world.ts';
import { FakeTransport } from './support/fake-transport.ts';
import { ScriptedEngine } from './support/scripted-engine.ts';
import { until } from './support/until.ts';

const namespace = 'openfaas-fn';
const count = 1000;
const patienceMs = 20_000;

/** Answers each call at once. */
class AnsweringTransport extends FakeTransport {
  override send(...sent: Parameters<FakeTransport['send']>): ReturnType<FakeTransport['send']> {
    const promise = super.send(...sent);
    this.calls.pop()?.answer();
    return promise;
  }
}

interface Plane {
  readonly store: Store;
  readonly engine: ScriptedEngine;
  readonly router: Router;
  close(): Promise<void>;
}

/** Router, scaler and control as `main.ts` joins them, on a scripted engine. */
async function startPlane(): Promise<Plane> {
  const { store, images, secrets } = createRemains();
  images.add('good:1');
  const engine = new ScriptedEngine(() => 'good');
  const budget = { instances: 2 * count, memoryBytes: 2 ** 50, concurrentStarts: 100 };
  const hooks = { wake: (id: RevisionId) => scaler.wake(id), retire: () => undefined, ownsAddress: async () => true };
  const router = createRouter({
    hooks,
    budget: { waitingCalls: count, bufferedBytes: 2 ** 20 },
    createTransport: () => new AnsweringTransport(),
  });
  engine.watch((change) => router.instanceChanged(change));
  const scaler: Scaler = createScaler({ engine, load: () => router.load(), budget, intervalMs: 50 });
  const control = createControl({
    store,
    builder: images.builder,
    secrets,
    identities: undefined,
    engine,
    scaler,
    router,
    limits: { resyncMs: 200, logRetentionMs: 0 },
  });
  await control.start();
  const close = async (): Promise<void> => {
    await control.close();
    scaler.close();
    await router.close(AbortSignal.abort());
    await engine.close();
  };
  return { store, engine, router, close };
}

function nameAt(index: number): string {
  return `passing-${index}`;
}

async function create(store: Store, name: string): Promise<void> {
  const spec: FunctionSpec = { namespace, name, image: 'good:1', secrets: [], labels: {}, annotations: {} };
  const id = formatRevisionId(namespace, name, 1);
  const createdAt = new Date().toISOString();
  const revision: RevisionRecord = {
    id,
    spec,
    artifact: 'sha256:good:1',
    secretVersions: {},
    state: 'pending',
    createdAt,
  };
  const record: FunctionRecord = { spec, latest: 1, replicas: 1, createdAt };
  await store.put(formatRevisionRecordKey(id), revision, 0);
  await store.put(formatFunctionRecordKey(namespace, name), record, 0);
}

async function remove(store: Store, name: string): Promise<void> {
  const deletedAt = new Date().toISOString();
  await store.put(formatRetiredRecordKey(namespace, name), { latest: 1, deletedAt });
  await store.delete(formatFunctionRecordKey(namespace, name));
}

async function call(router: Router, name: string): Promise<void> {
  const invocation = callOf('/', { function: formatFunctionKey(namespace, name) });
  const reply = await router.invoke(invocation, new AbortController().signal);
  assert.equal(reply.status, 200);
}

/** Revisions that anything in this process still knows by their id: the heap's strings are listed each once. */
async function rememberedRevisions(): Promise<number> {
  // V8 keeps the text a regular expression last looked at.
  /^$/.test('');
  const heap = await text(getHeapSnapshot());
  return new Set(heap.match(/"openfaas-fn\/passing-\d+-00001"/g)).size;
}

test('of a thousand functions that were created, called and deleted nothing is kept', async (t) => {
  const plane = await startPlane();
  t.after(() => plane.close());
  const names = Array.from({ length: count }, (_, index) => index).map(nameAt);
  await Promise.all(names.map((name) => create(plane.store, name)));
  await Promise.all(names.map((name) => call(plane.router, name)));
  assert.deepEqual([queryObjects(Pool), queryObjects(ScaleTarget)], [count, count]);
  assert.equal(await rememberedRevisions(), count);

  await Promise.all(names.map((name) => remove(plane.store, name)));
  const isEmpty = async (): Promise<boolean> => (await plane.store.list('')).length === 0;
  await until('all is buried', isEmpty, patienceMs);
  await until('all instances ended', () => plane.engine.live().length === 0, patienceMs);
  plane.engine.forgetEnded();
  await until('no class of theirs is held', () => heldObjects() === 0, patienceMs);
  assert.equal(await rememberedRevisions(), 0);
});

function heldObjects(): number {
  return [Pool, ScaleTarget, Exchange].reduce((sum, type) => sum + Number(queryObjects(type)), 0);
}
