import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideLaneLimit, firstLaneLimit, laneLimits } from './lane-limit.ts';

test('a limit that is used up grows, at first slowly, and not beyond the most', () => {
  let lane = firstLaneLimit;
  for (let i = 0; i < laneLimits.first; i += 1) lane = decideLaneLimit(lane, false, lane.limit);
  assert.deepEqual(lane, { limit: 18, since: 0 });
  for (let i = 0; i < 100_000; i += 1) lane = decideLaneLimit(lane, false, lane.limit);
  assert.equal(lane.limit, laneLimits.most);
});

test('a limit that is not used up stays', () => {
  let lane = firstLaneLimit;
  for (let i = 0; i < 1000; i += 1) lane = decideLaneLimit(lane, false, 3);
  assert.deepEqual(lane, firstLaneLimit);
});

test('a refusal halves what was under way, down to one at a time', () => {
  assert.equal(decideLaneLimit({ limit: 100, since: 5 }, true, 40).limit, 20);
  assert.deepEqual(decideLaneLimit({ limit: 1, since: 0 }, true, 1), { limit: 1, since: 0 });
});
