import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseScaleSchedule } from './scale-schedule.ts';

function stateAt(text: string, moment: string): readonly [on: boolean, until: string] {
  const [window] = parseScaleSchedule(text, 'annotation a');
  assert.ok(window !== undefined);
  const { on, untilMs } = window.at(Date.parse(moment));
  return [on, new Date(untilMs).toISOString().replace('.000Z', 'Z')];
}

test('a window is on from its due time for its duration', () => {
  const workday = '0 8 * * 1-5 for 10h min 3';
  // 2026-03-02 is a Monday.
  assert.deepEqual(stateAt(workday, '2026-03-02T07:59:59.999Z'), [false, '2026-03-02T08:00:00Z']);
  assert.deepEqual(stateAt(workday, '2026-03-02T08:00:00Z'), [true, '2026-03-02T18:00:00Z']);
  assert.deepEqual(stateAt(workday, '2026-03-02T17:59:59.999Z'), [true, '2026-03-02T18:00:00Z']);
  assert.deepEqual(stateAt(workday, '2026-03-02T18:00:00Z'), [false, '2026-03-03T08:00:00Z']);
  assert.deepEqual(stateAt(workday, '2026-03-07T12:00:00Z'), [false, '2026-03-09T08:00:00Z']);
});

test('a window may last beyond midnight, has a time zone of its own and knows summer time', () => {
  assert.deepEqual(stateAt('0 22 * * * for 4h min 1', '2026-03-02T01:00:00Z'), [true, '2026-03-02T02:00:00Z']);
  const berlin = '30 8 * * * for 1h min 1 in Europe/Berlin';
  assert.deepEqual(stateAt(berlin, '2026-03-28T07:30:00Z'), [true, '2026-03-28T08:30:00Z']);
  assert.deepEqual(stateAt(berlin, '2026-03-29T06:30:00Z'), [true, '2026-03-29T07:30:00Z']);
});

test('windows are separated by semicolons, seconds are possible', () => {
  const windows = parseScaleSchedule('*/10 * * * * * for 5s min 2;  0 0 * * *   for 1h min 9 ;', 'annotation a');
  assert.deepEqual(
    windows.map(({ text, min }) => [text, min]),
    [
      ['*/10 * * * * * for 5s min 2', 2],
      ['0 0 * * * for 1h min 9', 9],
    ],
  );
});

test('a day that never comes is off for ever', () => {
  const [window] = parseScaleSchedule('0 0 31 2 * for 1h min 1', 'annotation a');
  assert.deepEqual(window?.at(0), { on: false, untilMs: Number.POSITIVE_INFINITY });
});

for (const [text, message] of [
  ['', /annotation a is empty/],
  ['0 8 * * *', /the window "0 8 \* \* \*" does not read CRON for DURATION min COUNT/],
  ['8 * * for 1h min 1', /has 3 fields, cron has 5/],
  ['61 8 * * * for 1h min 1', /is not valid/],
  [`${'1,'.repeat(50_000)}1 8 * * * for 1h min 1`, /has 100022 characters, the limit is 1000/],
  ['0 8 * * * for 0s min 1', /lasts no time/],
  ['0 8 * * * for 200h min 1', /the duration "200h" is not between 1000ms and 604800000ms/],
  ['0 8 * * * for soon min 1', /the duration "soon" is not a duration/],
  ['0 8 * * * for 1h min 0', /min "0" is not a whole number from 1 to 1000/],
  ['0 8 * * * for 1h min 1 in Mars/Olympus', /is not valid/],
  [Array.from({ length: 51 }, () => '0 8 * * * for 1h min 1').join(';'), /has 51 windows, the limit is 50/],
] as const) {
  test(`the schedule "${text.slice(0, 40)}" is refused`, () => {
    assert.throws(() => parseScaleSchedule(text, 'annotation a'), { code: 'invalid', message });
  });
}
