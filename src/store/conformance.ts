import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  array,
  assert as assertProperty,
  asyncProperty,
  constant,
  constantFrom,
  jsonValue,
  nat,
  oneof,
  record,
} from 'fast-check';
import { TinderboxError } from '../model/errors.ts';
import type { Change, Store } from './store.ts';

/** What every store has to do, whatever it stands on. `open` gives an empty one. */
export function describeStore(name: string, open: () => Promise<Store>): void {
  const withStore = (body: (store: Store) => Promise<void>) => async () => {
    const store = await open();
    try {
      await body(store);
    } finally {
      await store.close();
    }
  };
  describe(`${name} keeps the contract of Store`, () => {
    describeValues(withStore);
    describeVersions(withStore);
    describeWatching(withStore);
    it('agrees with a plain map over any sequence of operations', () => agreesWithModel(open));
    it('rejects after close, and closing twice is fine', async () => {
      const store = await open();
      const accepted = store.put('late', 1);
      await Promise.all([store.close(), store.close()]);
      assert.ok((await accepted) > 0);
      await rejectsWith('unavailable', store.get('late'));
      await rejectsWith('unavailable', store.put('late', 2));
    });
  });
}

type WithStore = (body: (store: Store) => Promise<void>) => () => Promise<void>;

function describeValues(withStore: WithStore): void {
  it(
    'gives back JSON as it was written, and nothing for a key that is not there',
    withStore(async (store) => {
      const value = { text: 'é\u0000\ud800"', list: [1, 2.5, null, true, {}], nested: { deep: { deeper: [] } } };
      const version = await store.put('a/b', value);
      assert.deepEqual(await store.get('a/b'), { key: 'a/b', value, version });
      assert.equal(await store.get('a'), undefined);
      assert.equal(await store.get('a/b/c'), undefined);
    }),
  );

  it(
    'shares no object with its callers',
    withStore(async (store) => {
      const value = { count: 1 };
      await store.put('k', value);
      value.count = 2;
      const read = (await store.get('k'))?.value as { count: number };
      assert.equal(read.count, 1);
      read.count = 3;
      assert.deepEqual((await store.get('k'))?.value, { count: 1 });
    }),
  );

  it(
    'lists by key what starts with the prefix, and only that',
    withStore(async (store) => {
      for (const key of ['b', 'a/2', 'a/10', 'a0', 'a', 'a/é', 'a/\u{1f600}', 'a/\uffee']) await store.put(key, key);
      const keys = async (prefix: string): Promise<string[]> => (await store.list(prefix)).map((entry) => entry.key);
      assert.deepEqual(await keys('a/'), ['a/10', 'a/2', 'a/é', 'a/\uffee', 'a/\u{1f600}']);
      assert.deepEqual(await keys('c'), []);
      assert.equal((await keys('')).length, 8);
    }),
  );

  it(
    'refuses keys and values it cannot hold',
    withStore(async (store) => {
      for (const key of ['', 'a\u0000b', 'a\nb', '\ud800', '\u{10ffff}', 'x'.repeat(1025)]) {
        await rejectsWith('invalid', store.put(key, 1));
        await rejectsWith('invalid', store.get(key));
      }
      const loop: Record<string, unknown> = {};
      loop['self'] = loop;
      for (const value of [undefined, () => 1, 1n, loop]) await rejectsWith('invalid', store.put('k', value));
      await rejectsWith('too-large', store.put('k', 'x'.repeat(4 * 1024 * 1024)));
      assert.equal(await store.get('k'), undefined);
    }),
  );
}

function describeVersions(withStore: WithStore): void {
  it(
    'writes only over the version that was expected',
    withStore(async (store) => {
      const first = await store.put('k', 1, 0);
      await rejectsWith('conflict', store.put('k', 2, 0));
      await rejectsWith('conflict', store.put('k', 2, first + 1));
      const second = await store.put('k', 2, first);
      assert.ok(second > first);
      await rejectsWith('conflict', store.delete('k', first));
      assert.equal(await store.delete('k', second), true);
      assert.equal(await store.delete('k'), false);
      await rejectsWith('conflict', store.put('k', 3, second));
      assert.ok((await store.put('k', 3, 0)) > second, 'a key made again has a version it never had');
    }),
  );

  it(
    'lets one writer of many win, and a conflict leaves the writes beside it alone',
    withStore(async (store) => {
      const racing = Array.from({ length: 20 }, (_, i) => store.put('race', i, 0));
      const beside = Array.from({ length: 20 }, (_, i) => store.put(`beside/${i}`, i));
      const results = await Promise.allSettled(racing);
      await Promise.all(beside);
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal((await store.list('beside/')).length, 20);
    }),
  );

  it(
    'runs operations in the order they were called in',
    withStore(async (store) => {
      const [, read, , gone] = await Promise.all([
        store.put('k', 'first'),
        store.get('k'),
        store.delete('k'),
        store.get('k'),
      ]);
      assert.equal(read?.value, 'first');
      assert.equal(gone, undefined);
    }),
  );
}

function describeWatching(withStore: WithStore): void {
  it(
    'tells watchers each committed change below their prefix once, in commit order',
    withStore(async (store) => {
      const heard: Change[] = [];
      const stop = store.watch('w/', (change) => heard.push(change));
      const versions = await Promise.all([store.put('w/a', 1), store.put('x', 1), store.put('w/b', 2)]);
      await rejectsWith('conflict', store.put('w/a', 9, 0));
      await store.delete('w/a');
      await store.delete('w/a');
      stop();
      stop();
      await store.put('w/c', 3);
      assert.deepEqual(
        heard.map(({ key, value }) => [key, value]),
        [
          ['w/a', 1],
          ['w/b', 2],
          ['w/a', undefined],
        ],
      );
      assert.equal(heard[0]?.version, versions[0]);
      assert.ok(heard.every((change, i) => i === 0 || change.version > (heard[i - 1]?.version ?? 0)));
    }),
  );

  it(
    'has told the watchers before the writer goes on, and a watcher that throws harms nobody',
    withStore(async (store) => {
      const heard: string[] = [];
      store.watch('', () => {
        throw new TypeError('a bad listener');
      });
      store.watch('', (change) => heard.push(change.key));
      await store.put('k', 1);
      assert.deepEqual(heard, ['k']);
    }),
  );
}

const keys = constantFrom('a', 'a/b', 'a/c', 'b', 'é/\u{1f600}');
const operations = array(
  oneof(
    record({ kind: constant('put' as const), key: keys, value: jsonValue(), guess: nat(3) }),
    record({ kind: constant('delete' as const), key: keys, guess: nat(3) }),
    record({ kind: constant('list' as const), key: constantFrom('', 'a', 'a/', 'z') }),
  ),
  { maxLength: 25 },
);

/** `guess` chooses what a write expects: nothing, what is there, that it is new, or something never there. */
async function agreesWithModel(open: () => Promise<Store>): Promise<void> {
  const store = await open();
  try {
    await assertProperty(
      asyncProperty(operations, async (sequence) => {
        for (const entry of await store.list('')) await store.delete(entry.key);
        const model = new Map<string, { value: string; version: number }>();
        const heard: (readonly [string, string | undefined])[] = [];
        const told: (readonly [string, string | undefined])[] = [];
        const stop = store.watch('', ({ key, value }) => told.push([key, JSON.stringify(value)]));
        for (const operation of sequence) {
          const { key } = operation;
          if (operation.kind === 'list') {
            const expected = [...model].filter(([k]) => k.startsWith(key)).map(([k, row]) => [k, row.value]);
            const found = (await store.list(key)).map((entry) => [entry.key, JSON.stringify(entry.value)]);
            assert.deepEqual(found.sort(), expected.sort());
            continue;
          }
          const actual = model.get(key)?.version ?? 0;
          const expected = [undefined, actual, 0, 1e12][operation.guess];
          const fits = expected === undefined || expected === actual;
          const text = operation.kind === 'put' ? JSON.stringify(operation.value) : undefined;
          const done =
            operation.kind === 'put' ? store.put(key, operation.value, expected) : store.delete(key, expected);
          if (!fits) {
            await rejectsWith('conflict', done);
            continue;
          }
          const result = await done;
          if (text === undefined) {
            assert.equal(result, model.delete(key));
            if (result) heard.push([key, undefined]);
          } else {
            model.set(key, { value: text, version: Number(result) });
            heard.push([key, text]);
          }
        }
        stop();
        assert.deepEqual(told, heard);
      }),
      { numRuns: 40 },
    );
  } finally {
    await store.close();
  }
}

async function rejectsWith(code: string, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof TinderboxError && error.code === code);
}
