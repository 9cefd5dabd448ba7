import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tempDir } from '../../test/support/temp-dir.ts';
import { createMemoryStore } from '../store/memory/memory-store.ts';
import { claimRange } from './claim-range.ts';
import type { IdentityRange } from './stored-identities.ts';

const usual = { first: 1000, last: 1099 };

/** Data folders on a machine of their own. */
function createMachine(t: TestContext) {
  const root = tempDir(t);
  const dir = join(root, 'claims');
  const stores = new Map<string, ReturnType<typeof createMemoryStore>>();
  const storeOf = (name: string) => {
    const known = stores.get(name) ?? createMemoryStore();
    stores.set(name, known);
    return known;
  };
  const folder = (name: string): string => join(root, name);
  const make = (name: string): string => {
    mkdirSync(folder(name), { recursive: true });
    writeFileSync(join(folder(name), 'platform.lock'), '');
    return folder(name);
  };
  const claim = (name: string, wanted?: IdentityRange): Promise<IdentityRange> =>
    claimRange({ dir, stateDir: make(name), store: storeOf(name), wanted, usual });
  return { claim, storeOf, folder, dir, make };
}

test('each data folder has a range of its own, keeps it, and gives it back when it is gone', async (t) => {
  const { claim, folder, dir } = createMachine(t);
  assert.deepEqual(await claim('a'), usual);
  assert.deepEqual(await claim('b'), { first: 1100, last: 1199 });
  assert.deepEqual(await claim('a'), usual);
  rmSync(folder('a'), { recursive: true });
  assert.deepEqual(await claim('c'), usual);
  assert.deepEqual(await claim('b'), { first: 1100, last: 1199 }, 'it keeps its own although a nearer one was free');
  assert.equal(readdirSync(dir).filter((name) => name.endsWith('.json')).length, 2);
});

test('what a data folder remembers outlives the claims, which a boot clears away', async (t) => {
  const { claim, dir } = createMachine(t);
  await claim('a');
  await claim('b');
  rmSync(dir, { recursive: true });
  assert.deepEqual(await claim('b'), { first: 1100, last: 1199 });
  assert.deepEqual(await claim('a'), usual);
});

test('a data folder from before ranges were claimed has the usual one', async (t) => {
  const { claim, storeOf } = createMachine(t);
  await storeOf('old').put('identities/next', 1007);
  assert.deepEqual(await claim('old'), usual);
  await storeOf('older').put('identities/next', 1003);
  await assert.rejects(claim('older'), { code: 'conflict', message: /^the user ids 1000-1099 overlap 1000-1099 of/ });
});

test('a range that was asked for is refused where it overlaps, naming the other and the flag', async (t) => {
  const { claim, folder } = createMachine(t);
  await claim('a');
  await assert.rejects(claim('b', { first: 1050, last: 1250 }), {
    code: 'conflict',
    message: `the user ids 1050-1250 overlap 1000-1099 of the platform with data folder ${folder('a')}`,
    hint: /--uids FIRST-LAST/,
  });
  assert.deepEqual(await claim('b', { first: 1100, last: 1250 }), { first: 1100, last: 1250 });
  assert.deepEqual(await claim('c'), { first: 1300, last: 1399 }, 'one that is no neighbour is looked for');
  assert.deepEqual(await claim('b'), { first: 1100, last: 1250 });
});

test('processes that claim at the same time get ranges that do not overlap', async (t) => {
  const { dir, make } = createMachine(t);
  const module = (path: string): string => JSON.stringify(join(import.meta.dirname, path));
  const program = `
    const { claimRange } = await import(${module('claim-range.ts')});
    const { createMemoryStore } = await import(${module('../store/memory/memory-store.ts')});
    const [dir, stateDir] = process.argv.slice(1);
    const usual = ${JSON.stringify(usual)};
    console.log((await claimRange({ dir, stateDir, store: createMemoryStore(), wanted: undefined, usual })).first);`;
  const firsts = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => {
      const child = spawn(process.execPath, ['-e', program, dir, make(name)], { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
      await once(child, 'close');
      return Number(text);
    }),
  );
  assert.deepEqual(
    firsts.toSorted((one, other) => one - other),
    [1000, 1100, 1200, 1300],
  );
});
