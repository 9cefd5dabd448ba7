import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSchedules } from './parse-schedules.ts';

const at = (text: string): number => Date.parse(text);

function nexts(schedule: string, after: string, count = 1, more: Record<string, string> = {}): string[] {
  const [parsed] = parseSchedules('a.ns', { topic: 'cron-function', schedule, ...more });
  const found: string[] = [];
  let ms: number | undefined = at(after);
  while (found.length < count && ms !== undefined) {
    ms = parsed?.next(ms);
    if (ms !== undefined) found.push(new Date(ms).toISOString().replace('.000Z', 'Z'));
  }
  return found;
}

test('five fields are minutes, six begin with seconds', () => {
  assert.deepEqual(nexts('*/5 * * * *', '2026-01-01T00:00:00Z', 2), ['2026-01-01T00:05:00Z', '2026-01-01T00:10:00Z']);
  assert.deepEqual(nexts('*/20 * * * * *', '2026-01-01T00:00:00Z', 2), [
    '2026-01-01T00:00:20Z',
    '2026-01-01T00:00:40Z',
  ]);
});

test('nicknames, intervals and dates are understood', () => {
  assert.deepEqual(nexts('@daily', '2026-01-01T10:00:00Z'), ['2026-01-02T00:00:00Z']);
  assert.deepEqual(nexts('@every 1m30s', '2026-01-01T00:00:01Z', 2), ['2026-01-01T00:01:30Z', '2026-01-01T00:03:00Z']);
  assert.deepEqual(nexts('@every 1.0004s', '1970-01-01T00:00:00Z'), ['1970-01-01T00:00:01Z'], 'in whole milliseconds');
  assert.deepEqual(nexts('@at 2026-03-01T12:00:00+01:00', '2026-01-01T00:00:00Z', 2), ['2026-03-01T11:00:00Z']);
  assert.deepEqual(nexts('@at 2026-03-01T12:00:00Z', '2026-03-01T12:00:00Z'), []);
  const local = '@at 2026-03-01T12:00:00';
  assert.deepEqual(nexts(local, '2026-01-01T00:00:00Z'), ['2026-03-01T12:00:00Z'], 'wherever the platform is');
  assert.deepEqual(nexts(`TZ=Asia/Tokyo ${local}`, '2026-01-01T00:00:00Z'), ['2026-03-01T03:00:00Z']);
});

test('a time zone is that of the expression, else of the function, and knows summer time', () => {
  const berlin = 'TZ=Europe/Berlin 30 2 * * *';
  assert.deepEqual(nexts(berlin, '2026-03-27T12:00:00Z', 3), [
    '2026-03-28T01:30:00Z',
    // 02:30 does not exist on the 29th: the run is at 03:00 local time.
    '2026-03-29T01:00:00Z',
    '2026-03-30T00:30:00Z',
  ]);
  const zone = { 'com.tinderbox.schedule.timezone': 'Asia/Tokyo' };
  assert.deepEqual(nexts('0 9 * * *', '2026-01-01T00:00:00Z', 1, zone), ['2026-01-02T00:00:00Z']);
});

test('a day that never comes has no due time, and is found out at once', () => {
  assert.deepEqual(nexts('0 0 31 2 *', '2026-01-01T00:00:00Z'), []);
});

test('several expressions are several schedules, and a function without the topic has none', () => {
  const annotations = { topic: 'a, cron-function', schedule: '* * * * *; @every 5s;* *  * * *' };
  assert.deepEqual(
    parseSchedules('a.ns', annotations).map(({ expression, missed, overlap }) => [expression, missed, overlap]),
    [
      ['* * * * *', 'skip', 'allow'],
      ['@every 5s', 'skip', 'allow'],
    ],
  );
  assert.deepEqual(parseSchedules('a.ns', { topic: 'orders', schedule: 'nonsense' }), []);
  assert.deepEqual(parseSchedules('a.ns', { topic: 'cron-function' }), []);
});

test('what is not a schedule is refused with its text', () => {
  const refused: [Record<string, string>, RegExp][] = [
    [{ schedule: 'soon' }, /"soon" has 1 field, cron has 5/],
    [
      { schedule: `${'1,'.repeat(50_000)}1 * * * *` },
      /^annotation schedule "(1,){50}…" has 100009 characters, the limit is 1000$/,
    ],
    [{ schedule: '61 * * * *' }, /"61 \* \* \* \*" is not valid: (?!Cron)/],
    [{ schedule: '@every 10ms' }, /"@every 10ms" is not between/],
    [{ schedule: '@every often' }, /@every often/],
    [{ schedule: '@at noon' }, /"@at noon" is not a date/],
    [{ schedule: '@at noon 5' }, /"@at noon 5" is not a date/],
    [{ schedule: '@at 1' }, /"@at 1" is not a date/],
    [{ schedule: '@at 2026-13-01T12:00:00' }, /is not a date/],
    [{ schedule: 'TZ=Mars/Olympus @at 2026-12-24T18:00:00' }, /has the unknown time zone "Mars\/Olympus"/],
    [
      { schedule: 'TZ=Mars/Olympus * * * * *' },
      /^annotation schedule "TZ=Mars\/Olympus [* ]+" has the unknown time zone "Mars\/Olympus"; one is named like /,
    ],
    [{ schedule: ' ; ' }, /is empty/],
    [
      { schedule: Array.from({ length: 101 }, (_, i) => `@every ${i + 1}s`).join(';') },
      /101 expressions, the limit is 100/,
    ],
    [{ schedule: '@hourly', 'com.tinderbox.schedule.overlap': 'maybe' }, /overlap "maybe" is not one of allow, skip/],
    [{ schedule: '@hourly', 'com.tinderbox.schedule.missed': 'all' }, /missed "all"/],
  ];
  for (const [annotations, message] of refused) {
    assert.throws(() => parseSchedules('a.ns', { topic: 'cron-function', ...annotations }), {
      code: 'invalid',
      message,
    });
  }
});
