import { TinderboxError } from '../../model/errors.ts';
import { functionOf, type TriggerSpec } from '../../model/trigger.ts';
import { parseNext } from '../schedule/parse-schedules.ts';
import type { Schedule } from '../schedule/schedule.ts';

/** The schedules of a trigger; none for other kinds. Throws `invalid`, naming the expression. */
export function schedulesOf(spec: TriggerSpec): readonly Schedule[] {
  const { schedule, paused, method, path: target, headers } = spec;
  if (schedule === undefined) return [];
  const { missed, overlap, timezone } = schedule;
  const call = { method, target, headers: Object.entries(headers).flat(), body: Buffer.from(schedule.body) };
  const expressions = [...new Set(schedule.expressions)];
  return expressions.map((expression) => {
    const next = parseNext(expression, timezone, 'schedule.expressions:');
    return { function: functionOf(spec), expression, zone: timezone, next, missed, overlap, paused, call };
  });
}

/** The next due times of a trigger, the nearest first, each once. */
export function nextRunsOf(spec: TriggerSpec, nowMs: number, most: number): readonly number[] {
  if (spec.paused || spec.schedule === undefined) return [];
  const due = new Set<number>();
  for (const { next } of safeSchedules(spec)) {
    let at: number | undefined = nowMs;
    for (let count = 0; count < most; count += 1) {
      at = next(at);
      if (at === undefined) break;
      due.add(at);
    }
  }
  return [...due].sort((a, b) => a - b).slice(0, most);
}

/** What is stored was valid once; a time zone may be gone since. */
function safeSchedules(spec: TriggerSpec): readonly Schedule[] {
  try {
    return schedulesOf(spec);
  } catch (reason) {
    if (reason instanceof TinderboxError) return [];
    throw reason;
  }
}
