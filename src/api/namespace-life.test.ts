import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ScriptedImages } from '../../test/support/control-world.ts';
import { createHeldStore, type HeldStore } from '../../test/support/held-store.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import type { FunctionSpec, NamespaceRecord } from '../model/function.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { createMemoryStore } from '../store/memory/memory-store.ts';
import { createCatalog } from './catalog.ts';
import { createFunctions, type Functions } from './functions.ts';
import { createNamespaces, finishRemovals, type Namespaces } from './namespaces.ts';
import { createSecretCases, type SecretCases } from './secrets.ts';

interface Kit {
  readonly store: HeldStore;
  readonly functions: Functions;
  readonly namespaces: Namespaces;
  readonly secrets: SecretCases;
  /** Keys below these folders that are of namespace `a`. */
  readonly left: () => Promise<readonly string[]>;
  /** What a start does about deletes that were cut off. */
  readonly restart: () => Promise<void>;
}

const marked = { name: 'a', labels: { openfaas: '1' } };
const spec: FunctionSpec = { namespace: 'a', name: 'f', image: 'good:1', secrets: [], labels: {}, annotations: {} };

/** The use cases over a store that the test holds, with namespace `a` made. */
async function makeKit(t: TestContext): Promise<Kit> {
  const store = createHeldStore(createMemoryStore());
  const catalog = await createCatalog(store);
  t.after(() => catalog.close());
  const images = new ScriptedImages();
  images.add('good:1');
  const secrets = await createSecrets({ store, keyFile: join(tempDir(t), 'key') });
  const engine = { name: 'scripted', instances: () => [], logs: () => assert.fail('nobody reads logs') };
  const scaler = {
    setReplicas: async (_: string, count: number) => count,
    counts: () => new Map(),
    alert: () => undefined,
    explain: () => undefined,
    obstacle: () => undefined,
    wake: async () => undefined,
  };
  const stopping = new AbortController().signal;
  const builder = { ...images.builder, build: () => assert.fail('nobody builds') };
  const namespaces = createNamespaces({ catalog, secrets, store });
  await namespaces.create(marked, undefined);
  return {
    store,
    namespaces,
    functions: createFunctions({ catalog, store, secrets, engine, scaler, stopping, builder }),
    secrets: createSecretCases({ secrets, catalog, store }),
    restart: () => finishRemovals({ catalog, secrets, store }),
    async left() {
      const found = await Promise.all(
        ['functions', 'revisions', 'secrets'].map((folder) => store.list(`${folder}/a/`)),
      );
      return found.flat().map(({ key }) => key);
    },
  };
}

const leaving = { code: 'conflict', message: /"a" is being deleted/ };
const gone = { code: 'invalid', message: /"a" does not exist/ };

for (const [step, key] of [
  ['get', 'namespaces/a'],
  ['put', 'functions/a/f'],
] as const) {
  test(`a namespace stays while a create in it is before its ${step} of ${key}`, async (t) => {
    const { store, functions, namespaces } = await makeKit(t);
    const held = store.hold(step, key);
    const creating = functions.create(spec);
    await held.reached;
    await assert.rejects(namespaces.remove(marked, undefined), { code: 'conflict', message: /a deploy under way/ });
    held.go();
    await creating;
    await functions.create({ ...spec, name: 'other' });
    await assert.rejects(namespaces.remove(marked, undefined), { code: 'conflict', message: /2 functions/ });
    assert.deepEqual(namespaces.get('a'), marked);
  });
}

test('a namespace has as many labels as a function may have, and no more', async (t) => {
  const { namespaces } = await makeKit(t);
  const labels = (count: number): object =>
    Object.fromEntries([['openfaas', '1'], ...Array.from({ length: count }, (_, n) => [`l${n}`, ''])]);
  await namespaces.create({ name: 'some', labels: labels(199) }, undefined);
  await assert.rejects(namespaces.create({ name: 'many', labels: labels(200) }, undefined), {
    code: 'invalid',
    message: /labels.*200 entries/,
  });
});

test('a create that comes after the mark is refused, and leaves nothing in the way of the delete', async (t) => {
  for (const [step, key] of [
    ['list', 'functions/a'],
    ['delete', 'namespaces/a'],
  ] as const) {
    const { store, functions, namespaces, secrets, left } = await makeKit(t);
    const held = store.hold(step, key);
    const removing = namespaces.remove(marked, undefined);
    await held.reached;
    await assert.rejects(functions.create(spec), leaving);
    await assert.rejects(secrets.put({ name: 'k', value: 'v', namespace: 'a' }, undefined, 'create'), leaving);
    await assert.rejects(namespaces.update(marked, undefined), leaving);
    held.go();
    await removing;
    assert.deepEqual([await left(), namespaces.list()], [[], ['openfaas-fn']]);
  }
});

test('a create that had begun is refused when its namespace went before its first write', async (t) => {
  const { store, functions, namespaces, secrets, left } = await makeKit(t);
  const [revision, secret] = [store.hold('put', 'revisions/a/f'), store.hold('put', 'secrets/a/k')];
  const creating = assert.rejects(functions.create(spec), gone);
  const putting = assert.rejects(secrets.put({ name: 'k', value: 'v', namespace: 'a' }, undefined, 'create'), gone);
  await Promise.all([revision.reached, secret.reached]);
  await namespaces.remove(marked, undefined);
  revision.go();
  secret.go();
  await Promise.all([creating, putting]);
  assert.deepEqual(await left(), []);
});

test('an update that was decided before the delete does not bring the namespace back', async (t) => {
  const { store, namespaces } = await makeKit(t);
  const held = store.hold('put', 'namespaces/a');
  const updating = assert.rejects(namespaces.update(marked, undefined), { code: 'not-found' });
  await held.reached;
  await namespaces.remove(marked, undefined);
  held.go();
  await updating;
  assert.deepEqual(namespaces.list(), ['openfaas-fn']);
  assert.equal(await store.get('namespaces/a'), undefined);
});

test('of creates at the same time one makes it, the others are told that it is there', async (t) => {
  const { namespaces } = await makeKit(t);
  const made = await Promise.allSettled([1, 2, 3].map(() => namespaces.create({ ...marked, name: 'b' }, undefined)));
  const refusals = made.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).message] : []));
  assert.deepEqual(refusals, ['namespace "b" exists already', 'namespace "b" exists already']);
});

test('updates at the same time all hold, the last written stays', async (t) => {
  const { namespaces } = await makeKit(t);
  const withLabel = (n: string): object => ({ ...marked, labels: { openfaas: '1', n } });
  await Promise.all(['1', '2', '3'].map((n) => namespaces.update(withLabel(n), undefined)));
  assert.match(namespaces.get('a').labels?.['n'] ?? '', /^[123]$/);
});

for (const step of ['put', 'list', 'delete'] as const) {
  test(`deletes at the same time all end well, also one that is held before its ${step}`, async (t) => {
    const { store, namespaces, secrets, left } = await makeKit(t);
    await secrets.put({ name: 'k', value: 'v', namespace: 'a' }, undefined, 'create');
    const held = store.hold(step, step === 'list' ? 'functions/a' : 'namespaces/a');
    const removing = namespaces.remove(marked, undefined);
    await held.reached;
    await namespaces.remove(marked, undefined);
    held.go();
    await removing;
    assert.deepEqual([await left(), namespaces.list()], [[], ['openfaas-fn']]);
  });
}

test('deletes at the same time of a namespace that is in use are both refused for it', async (t) => {
  const { functions, namespaces } = await makeKit(t);
  await functions.create(spec);
  const refused = { code: 'conflict', message: 'namespace "a" still has a function, to be removed first' };
  await Promise.all([1, 2].map(() => assert.rejects(namespaces.remove(marked, undefined), refused)));
  assert.deepEqual(namespaces.get('a'), marked);
});

test('a secret that is updated while its namespace goes is gone with it', async (t) => {
  const { store, namespaces, secrets, left } = await makeKit(t);
  await secrets.put({ name: 'k', value: 'v', namespace: 'a' }, undefined, 'create');
  const held = store.hold('list', 'functions/a');
  const removing = namespaces.remove(marked, undefined);
  await held.reached;
  await secrets.put({ name: 'k', value: 'w', namespace: 'a' }, undefined, 'update');
  held.go();
  await removing;
  assert.deepEqual(await left(), []);
});

test('a delete that was cut off is finished at the next start, and taken back where a function is in the way', async (t) => {
  const kit = await makeKit(t);
  const { store, functions, secrets } = kit;
  await secrets.put({ name: 'k', value: 'v', namespace: 'a' }, undefined, 'create');
  const mark = async (): Promise<void> => {
    const entry = await store.get('namespaces/a');
    await store.put('namespaces/a', { ...(entry?.value as object), deleting: true });
  };
  await functions.create(spec);
  await mark();
  await kit.restart();
  const stays = await store.get('namespaces/a');
  assert.ok(stays !== undefined && (stays.value as NamespaceRecord).deleting === undefined);
  await functions.remove('a', 'f');
  await mark();
  await kit.restart();
  assert.equal(await store.get('namespaces/a'), undefined);
  assert.deepEqual(
    (await kit.left()).filter((key) => key.startsWith('secrets/')),
    [],
  );
});

test('a delete that was cut off after the mark is finished by the next one', async (t) => {
  const { store, namespaces, functions } = await makeKit(t);
  const entry = await store.get('namespaces/a');
  await store.put('namespaces/a', { ...(entry?.value as object), deleting: true });
  await assert.rejects(functions.create(spec), leaving);
  await namespaces.remove(marked, undefined);
  assert.deepEqual(namespaces.list(), ['openfaas-fn']);
});
