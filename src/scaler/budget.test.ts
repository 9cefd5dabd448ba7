import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RevisionId } from '../model/names.ts';
import { type BudgetShare, decideEviction, decideFreeGrant } from './budget.ts';

const mib = 2 ** 20;
const budget = { instances: 4, memoryBytes: 1_000 * mib, concurrentStarts: 2 };
const wish = { revision: 'ns/a-00001', memoryBytes: 100 * mib, wanted: 3, held: 0 } as const;

function share(name: string, count: number, idleMs: number | undefined, least = 0): BudgetShare {
  return { revision: `ns/${name}-00001` as RevisionId, count, memoryBytes: 100 * mib, least, idleMs };
}

test('a wish that fits is granted whole', () => {
  const grant = decideFreeGrant({ instances: 1, memoryBytes: 0 }, wish, budget);
  assert.deepEqual(grant, { granted: 3, cuts: [], exhausted: undefined });
});

test('a wish beyond the host gets what is free, and the limit is named', () => {
  const grant = decideFreeGrant({ instances: 2, memoryBytes: 0 }, wish, budget);
  assert.equal(grant.granted, 2);
  assert.match(grant.exhausted ?? '', /2 of 4 instances/);
});

test('promised memory limits as instances do', () => {
  const grant = decideFreeGrant({ instances: 1, memoryBytes: 950 * mib }, wish, budget);
  assert.equal(grant.granted, 0);
  assert.match(grant.exhausted ?? '', /950 MiB of 1000 MiB memory are promised and an instance needs 100 MiB/);
});

test('what is held is never taken by asking for more', () => {
  const grant = decideFreeGrant({ instances: 9, memoryBytes: 0 }, { ...wish, held: 2 }, budget);
  assert.equal(grant.granted, 2);
});

test('on a full host the longest-idle revision gives up one instance', () => {
  const others = [share('young', 2, 10), share('old', 2, 99), share('busy', 0, undefined)];
  assert.deepEqual(decideEviction(others, 100 * mib, budget), {
    granted: 1,
    cuts: [{ revision: 'ns/old-00001', count: 1 }],
    exhausted: undefined,
  });
});

test('busy revisions and guaranteed minimums are never cut: the host is full', () => {
  const others = [share('busy', 3, undefined), share('kept', 1, 1e9, 1)];
  const decision = decideEviction(others, 100 * mib, budget);
  assert.equal(decision.granted, 0);
  assert.deepEqual(decision.cuts, []);
  assert.match(decision.exhausted ?? '', /4 of 4 instances/);
});

test('as many idle instances go as the memory of the new one needs', () => {
  const others = [share('old', 2, 50), share('older', 1, 90)];
  const decision = decideEviction(others, 850 * mib, budget);
  assert.equal(decision.granted, 1);
  assert.deepEqual(decision.cuts, [
    { revision: 'ns/older-00001', count: 0 },
    { revision: 'ns/old-00001', count: 1 },
  ]);
});

test('an instance larger than the whole host is refused without evicting anybody', () => {
  const decision = decideEviction([share('old', 2, 50)], 2_000 * mib, budget);
  assert.equal(decision.granted, 0);
  assert.deepEqual(decision.cuts, []);
});
