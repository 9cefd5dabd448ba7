import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDateTimeMs } from './date-time.ts';

test('a date-time has a day, a time and a zone', () => {
  assert.equal(parseDateTimeMs('2026-01-31T12:00:00Z'), Date.UTC(2026, 0, 31, 12));
  assert.equal(parseDateTimeMs('2026-01-31t12:00:00.250+01:00'), Date.UTC(2026, 0, 31, 11, 0, 0, 250));
  for (const text of ['', '5', 'foo 1', '12/05/2026', '2026-01-31', '2026-01-31T12:00:00', '2026-13-01T00:00:00Z'])
    assert.equal(parseDateTimeMs(text), undefined, text);
});
