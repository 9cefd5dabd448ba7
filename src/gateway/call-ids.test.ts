import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallIds, isCallId } from './call-ids.ts';

test('ids have the shape of a UUID, differ, and differ between processes', () => {
  const [one, other] = [createCallIds(), createCallIds()];
  const ids = new Set(Array.from({ length: 10_000 }, () => one()));
  for (let count = 0; count < 10_000; count += 1) ids.add(other());
  assert.equal(ids.size, 20_000);
  for (const id of [one(), other()]) {
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.ok(isCallId(id));
  }
});

test('an id of a client is taken only when it can stand in a log line', () => {
  for (const good of ['a', 'A-b_c.9', 'x'.repeat(64)]) assert.equal(isCallId(good), true, good);
  for (const bad of ['', 'x'.repeat(65), 'a b', 'a\n', 'ä', '<script>', '\u001e', '"']) {
    assert.equal(isCallId(bad), false, bad);
  }
});
