import { Cron } from 'croner';
import { TinderboxError } from './errors.ts';
import { durationIn, integerIn } from './read-setting.ts';
import { shorten } from './shorten.ts';

/** A time, again and again, in which at least so many instances must run. */
export interface ScaleWindow {
  /** As it was written. */
  readonly text: string;
  readonly min: number;
  /** Whether it is on at a moment, and when that may change; both in Unix ms. Pure. */
  readonly at: (nowMs: number) => { readonly on: boolean; readonly untilMs: number };
}

const mostWindows = 50;
const mostChars = 1000;
const longestMs = 7 * 24 * 3_600_000;
const form = /^(.+) for (\S+) min (\S+?)(?: in (\S+))?$/;

/**
 * Windows separated by `;`, each `CRON for DURATION min COUNT [in ZONE]`: `0 8 * * 1-5 for 10h min 3 in Europe/Berlin`.
 * Cron has five fields, or six with seconds first; the time zone is UTC unless named; a duration is at most a week. A window
 * has at most 1,000 characters.
 * Throws `invalid`, naming `what` and the window.
 */
export function parseScaleSchedule(text: string, what: string): readonly ScaleWindow[] {
  const parts = text.split(';').map((part) => part.trim().replaceAll(/\s+/g, ' '));
  const given = parts.filter((part) => part !== '');
  if (given.length === 0) throw new TinderboxError('invalid', `${what} is empty; give CRON for DURATION min COUNT`);
  if (given.length > mostWindows) {
    throw new TinderboxError('invalid', `${what} has ${given.length} windows, the limit is ${mostWindows}`);
  }
  return given.map((part) => parseWindow(part, what));
}

function parseWindow(text: string, what: string): ScaleWindow {
  const invalid = (why: string): TinderboxError =>
    new TinderboxError('invalid', `${what}: the window "${shorten(text)}" ${why}`);
  if (text.length > mostChars) throw invalid(`has ${text.length} characters, the limit is ${mostChars}`);
  const [, pattern = '', duration = '', count = '', zone = 'UTC'] = form.exec(text) ?? [];
  if (pattern === '') throw invalid('does not read CRON for DURATION min COUNT [in ZONE]');
  const forMs = durationIn(duration, `${what}: the duration`, 0, 1_000, longestMs);
  if (forMs === 0) throw invalid('lasts no time');
  const min = integerIn(count, `${what}: min`, 0, 1, 1000);
  const cron = createCron(pattern, zone, invalid);
  return { text, min, at: (nowMs) => windowAt(cron, forMs, nowMs) };
}

function createCron(pattern: string, zone: string, invalid: (why: string) => TinderboxError): Cron {
  const fields = pattern.split(' ').length;
  if (fields !== 5 && fields !== 6) throw invalid(`has ${fields} fields, cron has 5, or 6 with seconds`);
  try {
    const cron = new Cron(pattern, { timezone: zone, paused: true, mode: 'auto' });
    // A zone that does not exist is only noticed when a time is computed.
    cron.nextRun(new Date(0));
    return cron;
  } catch (error) {
    throw invalid(`is not valid: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** On from each due time for the duration: when one began after `now - duration`, the latest of these decides the end. */
function windowAt(cron: Cron, forMs: number, nowMs: number): { readonly on: boolean; readonly untilMs: number } {
  const [latest] = cron.previousRuns(1, new Date(nowMs + 1));
  const endMs = latest === undefined ? Number.NEGATIVE_INFINITY : latest.getTime() + forMs;
  if (endMs > nowMs) return { on: true, untilMs: endMs };
  return { on: false, untilMs: cron.nextRun(new Date(nowMs))?.getTime() ?? Number.POSITIVE_INFINITY };
}
