import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from '../store/memory/memory-store.ts';
import { createIdentities } from './stored-identities.ts';

const range = { first: 200000, last: 200009 };

test('an owner keeps its id, over restarts too, and no two share one', async () => {
  const store = createMemoryStore();
  const identities = createIdentities(store, range);
  const first = await identities.assign('function', 'ns/hello');
  assert.equal(first, 200000);
  assert.equal(await identities.assign('function', 'ns/hello'), first);
  assert.equal(await identities.assign('build', 'ns/hello'), 200001);
  const restarted = createIdentities(store, range);
  assert.equal(await restarted.assign('function', 'ns/hello'), first);
  assert.equal(await restarted.assign('function', 'ns/other'), 200002);
});

test('an id given back is used again only after the rest of the range was', async () => {
  const identities = createIdentities(createMemoryStore(), range);
  await identities.assign('build', 'a');
  await identities.release('build', 'a');
  await identities.release('build', 'a');
  const ids: number[] = [];
  for (let i = 0; i < 10; i++) ids.push(await identities.assign('function', `f${i}`));
  assert.deepEqual(ids, [200001, 200002, 200003, 200004, 200005, 200006, 200007, 200008, 200009, 200000]);
});

test('a range used up is said so, and one release makes room', async () => {
  const identities = createIdentities(createMemoryStore(), range);
  await Promise.all(Array.from({ length: 10 }, (_, i) => identities.assign('function', `f${i}`)));
  await assert.rejects(identities.assign('function', 'one more'), { code: 'unavailable', message: /200000 to 200009/ });
  await identities.release('function', 'f7');
  assert.equal(await identities.assign('function', 'one more'), 200007);
});

test('platforms that assign at the same time from one store never give one id twice', async () => {
  const store = createMemoryStore();
  const platforms = Array.from({ length: 4 }, () => createIdentities(store, { first: 1000, last: 1039 }));
  const owners = Array.from({ length: 10 }, (_, i) => `f${i}`);
  const results = await Promise.all(
    platforms.flatMap((one, p) => [
      ...owners.map((owner) => one.assign('function', owner)),
      one.assign('artifact', `own ${p}`),
    ]),
  );
  const perPlatform = platforms.map((_, p) => results.slice(p * 11, p * 11 + 10));
  for (const ids of perPlatform) assert.deepEqual(ids, perPlatform[0]);
  assert.equal(new Set(results).size, 14);
});

test('a crash between the two writes of an assign costs nothing', async () => {
  const store = createMemoryStore();
  await store.put('identities/next', 200001);
  await store.put('identities/owners/function/pointing', 200000);
  await store.put('identities/ids/200005', 'identities/owners/function/gone');
  const identities = createIdentities(store, range);
  assert.equal(await identities.assign('function', 'pointing'), 200000);
  const ids = await Promise.all(Array.from({ length: 9 }, (_, i) => identities.assign('function', `f${i}`)));
  assert.equal(new Set(ids).size, 9);
  assert.ok(ids.includes(200005), 'the id left over is taken when the others are used up');
});

test('an owner whose id became that of another gets a new one', async () => {
  const store = createMemoryStore();
  await store.put('identities/ids/200000', 'identities/owners/function/right');
  await store.put('identities/owners/function/right', 200000);
  await store.put('identities/owners/function/wrong', 200000);
  const identities = createIdentities(store, range);
  assert.equal(await identities.assign('function', 'right'), 200000);
  assert.equal(await identities.assign('function', 'wrong'), 200001);
});

test('owners that ask at the same time move the place in the round a few times, not each for itself', async () => {
  const store = createMemoryStore();
  let moves = 0;
  store.watch('identities/next', () => {
    moves += 1;
  });
  const identities = createIdentities(store, { first: 1000, last: 1999 });
  const ids = await Promise.all(Array.from({ length: 500 }, (_, i) => identities.assign('function', `f${i}`)));
  assert.equal(new Set(ids).size, 500);
  assert.ok(moves <= 3, `${moves}`);
  await Promise.all(Array.from({ length: 500 }, (_, i) => identities.assign('function', `f${i}`)));
  assert.ok(moves <= 3, 'ids that are known are not looked for');
});

test('a range that is none is refused', () => {
  for (const [first, last] of [
    [0, 10],
    [10, 9],
    [1.5, 9],
    [1, 2 ** 31],
  ] as const) {
    assert.throws(() => createIdentities(createMemoryStore(), { first, last }), { code: 'config' });
  }
});
