import { Cron } from 'croner';
import { parseDateTimeMs } from '../../model/date-time.ts';
import { parseDurationMs } from '../../model/duration.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { FunctionKey } from '../../model/names.ts';
import type { ScheduleTrigger } from '../../model/trigger.ts';
import type { MissedRuns, Overlap, Schedule } from './schedule.ts';
import { shorten } from '../../model/shorten.ts';

type Annotations = Readonly<Record<string, string>>;
type Next = Schedule['next'];

/** Topic by which OpenFaaS's cron-connector knows its functions. */
export const cronTopic = 'cron-function';
const annotationName = 'annotation schedule';
const mostSchedules = 100;
const longestExpression = 1000;

const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/**
 * The schedules of a function, from its annotations: `topic` names `cron-function`, and `schedule` holds expressions
 * separated by `;`, as OpenFaaS's cron-connector reads them. An expression is cron with five fields, or six with seconds
 * first; `@hourly` and its like; `@every 90s`; or `@at 2026-12-24T18:00:00Z`, once. `TZ=Europe/Berlin` before it, or the
 * annotation `com.tinderbox.schedule.timezone`, names its time zone; default UTC. `com.tinderbox.schedule.missed` is `skip`
 * (default) or `once`, `com.tinderbox.schedule.overlap` is `allow` (default) or `skip`. Throws `invalid`, naming the
 * annotation and its value.
 */
export function parseSchedules(key: FunctionKey, annotations: Annotations): readonly Schedule[] {
  const text = scheduleText(annotations);
  if (text === undefined) return [];
  const given = expressionsIn(text);
  if (given.length === 0) throw fault(annotationName, text, 'is empty');
  if (given.length > mostSchedules) {
    throw fault(annotationName, text.slice(0, 60), `has ${given.length} expressions, the limit is ${mostSchedules}`);
  }
  const zone = annotations['com.tinderbox.schedule.timezone'] ?? 'UTC';
  const missed = oneOf<MissedRuns>(annotations, 'com.tinderbox.schedule.missed', ['skip', 'once']);
  const overlap = oneOf<Overlap>(annotations, 'com.tinderbox.schedule.overlap', ['allow', 'skip']);
  return given.map((expression) => ({
    function: key,
    expression,
    zone,
    next: parseNext(expression, zone, annotationName),
    missed,
    overlap,
  }));
}

/** What the annotations of a function say, as a trigger would; undefined: nothing. They have been checked before. */
export function scheduleOf(annotations: Annotations): ScheduleTrigger | undefined {
  const text = scheduleText(annotations);
  if (text === undefined) return undefined;
  return {
    expressions: expressionsIn(text),
    timezone: annotations['com.tinderbox.schedule.timezone'] ?? 'UTC',
    missed: annotations['com.tinderbox.schedule.missed'] === 'once' ? 'once' : 'skip',
    overlap: annotations['com.tinderbox.schedule.overlap'] === 'skip' ? 'skip' : 'allow',
    body: '',
  };
}

function scheduleText(annotations: Annotations): string | undefined {
  const topics = (annotations['topic'] ?? '').split(',').map((topic) => topic.trim());
  return topics.includes(cronTopic) ? annotations['schedule'] : undefined;
}

function expressionsIn(text: string): readonly string[] {
  const parts = text.split(';').map((part) => part.trim().replaceAll(/\s+/g, ' '));
  return [...new Set(parts.filter((part) => part !== ''))];
}

/** Due times of one expression. `what` begins the message of `invalid`: which field or annotation it stands in. */
export function parseNext(expression: string, defaultZone: string, what: string): Next {
  // What parses it takes time with every entry of a list.
  if (expression.length > longestExpression) {
    throw fault(what, expression, `has ${expression.length} characters, the limit is ${longestExpression}`);
  }
  const zoned = /^(?:CRON_)?TZ=(\S+) (.+)$/.exec(expression);
  const zone = zoned?.[1] ?? defaultZone;
  const rest = zoned?.[2] ?? expression;
  if (!isTimeZone(zone)) {
    throw fault(what, expression, `has the unknown time zone "${shorten(zone)}"; one is named like Europe/Berlin`);
  }
  if (rest.startsWith('@every ')) return everyNext(expression, rest.slice('@every '.length), what);
  if (rest.startsWith('@at ')) return onceNext(expression, rest.slice('@at '.length), zone, what);
  return cronNext(expression, nicknames[rest] ?? rest, zone, what);
}

/** Counted from the beginning of Unix time, so that every platform has the same due times. */
function everyNext(expression: string, text: string, what: string): Next {
  const everyMs = Math.round(parseDurationMs(text, `${what} "${shorten(expression)}": the interval`));
  if (everyMs < 1000 || everyMs > 366 * 24 * 3_600_000) throw fault(what, expression, 'is not between 1s and 8784h');
  return (afterMs) => (Math.floor(afterMs / everyMs) + 1) * everyMs;
}

function onceNext(expression: string, text: string, zone: string, what: string): Next {
  const atMs = parseDateTimeMs(text) ?? localMs(text, zone);
  if (atMs === undefined) throw fault(what, expression, 'is not a date such as 2026-12-24T18:00:00Z');
  return (afterMs) => (afterMs < atMs ? atMs : undefined);
}

const local = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?$/;

/**
 * The moment of a date and time without an offset in a zone; undefined: there is none. What a host takes for its own time
 * would be another time on the next host.
 */
function localMs(text: string, zone: string): number | undefined {
  const iso = text.replace(' ', 'T');
  if (!local.test(text) || Number.isNaN(Date.parse(`${iso}Z`))) return undefined;
  return new Cron(iso, { timezone: zone, paused: true }).nextRun(new Date(0))?.getTime();
}

function cronNext(expression: string, pattern: string, zone: string, what: string): Next {
  const fields = pattern.split(' ').length;
  if (fields !== 5 && fields !== 6) {
    throw fault(what, expression, `has ${fields} ${fields === 1 ? 'field' : 'fields'}, cron has 5, or 6 with seconds`);
  }
  let cron: Cron;
  try {
    cron = new Cron(pattern, { timezone: zone, paused: true, mode: 'auto' });
  } catch (error) {
    throw fault(what, expression, `is not valid: ${reasonOf(error)}`);
  }
  return (afterMs) => cron.nextRun(new Date(afterMs))?.getTime();
}

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Without the name of the class that the parser of cron puts in front of its own words. */
function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/^Cron[A-Za-z]*: /, '').replace(/\.$/, '');
}

function oneOf<T extends string>(annotations: Annotations, name: string, allowed: readonly [T, ...T[]]): T {
  const text = annotations[name];
  if (text === undefined) return allowed[0];
  const found = allowed.find((value) => value === text);
  if (found === undefined) {
    throw new TinderboxError('invalid', `annotation ${name} "${shorten(text)}" is not one of ${allowed.join(', ')}`);
  }
  return found;
}

function fault(what: string, expression: string, why: string): TinderboxError {
  return new TinderboxError('invalid', `${what} "${shorten(expression)}" ${why}`);
}
