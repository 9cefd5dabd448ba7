import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatGoTime, resolveTimeLayout } from './go-time.ts';

const time = '2026-01-02T03:04:05.060Z';

test('the names of layouts give what Go gives for them', () => {
  const cases: Readonly<Record<string, string>> = {
    ANSIC: 'Fri Jan  2 03:04:05 2026',
    UnixDate: 'Fri Jan  2 03:04:05 UTC 2026',
    RubyDate: 'Fri Jan 02 03:04:05 +0000 2026',
    RFC822: '02 Jan 26 03:04 UTC',
    RFC822Z: '02 Jan 26 03:04 +0000',
    RFC850: 'Friday, 02-Jan-26 03:04:05 UTC',
    RFC1123: 'Fri, 02 Jan 2026 03:04:05 UTC',
    RFC1123Z: 'Fri, 02 Jan 2026 03:04:05 +0000',
    RFC3339: '2026-01-02T03:04:05Z',
    RFC3339Nano: '2026-01-02T03:04:05.06Z',
  };
  for (const [name, expected] of Object.entries(cases)) {
    assert.equal(formatGoTime(time, resolveTimeLayout(name)), expected, name);
  }
});

test('a layout of one’s own is followed, fractions with or without their zeros', () => {
  assert.equal(formatGoTime(time, '3:04PM Jan _2'), '3:04AM Jan  2');
  assert.equal(formatGoTime('2026-01-02T15:04:05Z', '03:04pm 1/2/06'), '03:04pm 1/2/26');
  assert.equal(formatGoTime(time, '05.000 05.999'), '05.060 05.06');
  assert.equal(formatGoTime('2026-01-02T03:04:05Z', '05.000|05.999'), '05.000|05');
  assert.equal(formatGoTime(time, '-07:00 January'), '+00:00 January');
});

test('what is no time is told', () => {
  assert.throws(() => formatGoTime('soon', '15:04'), { code: 'bad-reply', message: /"soon" is not a time/ });
});
