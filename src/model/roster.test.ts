import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Roster, type RosterItem } from './roster.ts';

test('a roster holds what a set would, whatever comes and goes', () => {
  const step = fc.tuple(fc.boolean(), fc.nat({ max: 20 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const items: RosterItem[] = Array.from({ length: 21 }, () => ({ place: -1 }));
      const roster = new Roster<RosterItem>();
      const set = new Set<RosterItem>();
      for (const [adds, index] of steps) {
        const item = items[index] as RosterItem;
        if (adds) {
          roster.add(item);
          set.add(item);
        } else {
          roster.delete(item);
          set.delete(item);
        }
      }
      const seen: RosterItem[] = [];
      roster.each((item) => seen.push(item));
      assert.equal(roster.size, set.size);
      assert.equal(seen.length, set.size);
      assert.deepEqual(new Set(seen), set);
    }),
  );
});

test('a visit may remove what it visits, and all others are visited once', () => {
  const roster = new Roster<RosterItem>();
  for (let count = 0; count < 10; count += 1) roster.add({ place: -1 });
  let visits = 0;
  roster.each((item) => {
    visits += 1;
    roster.delete(item);
  });
  assert.deepEqual([visits, roster.size], [10, 0]);
});

test('what was cleared may come again', () => {
  const roster = new Roster<RosterItem>();
  const item = { place: -1 };
  roster.add(item);
  roster.clear();
  roster.add(item);
  assert.equal(roster.size, 1);
});
