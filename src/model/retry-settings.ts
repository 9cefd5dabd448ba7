import { parseDurationMs } from './duration.ts';
import { TinderboxError } from './errors.ts';

/** How often, and when, a stored call is tried again. */
export interface RetrySettings {
  /** Attempts in all, the first included; `com.openfaas.retry.attempts`, default 10. */
  readonly attempts: number;
  /** Statuses of the function that are tried again; `com.openfaas.retry.codes`, default 408,429,500,502,503,504. */
  readonly codes: readonly number[];
  /** Wait before the second attempt; `com.openfaas.retry.min_wait`, default 10 s. */
  readonly minWaitMs: number;
  /** Longest wait; `com.openfaas.retry.max_wait`, default 120 s. */
  readonly maxWaitMs: number;
  /** Age at which it is given up; annotation `com.tinderbox.retry.max-age`, default 24 h. */
  readonly maxAgeMs: number;
}

export const defaultRetrySettings: RetrySettings = {
  attempts: 10,
  codes: [408, 429, 500, 502, 503, 504],
  minWaitMs: 10_000,
  maxWaitMs: 120_000,
  maxAgeMs: 24 * 3_600_000,
};

const prefix = 'com.openfaas.retry.';
const longestMs = 720 * 3_600_000;

/** Reads the annotations. Throws `invalid`, naming the annotation, its value and what it must be. */
export function resolveRetrySettings(annotations: Readonly<Record<string, string>>): RetrySettings {
  const fallback = defaultRetrySettings;
  const minWaitMs = waitIn(annotations, `${prefix}min_wait`, fallback.minWaitMs);
  return {
    attempts: attemptsIn(annotations[`${prefix}attempts`]),
    codes: codesIn(annotations[`${prefix}codes`]),
    minWaitMs,
    maxWaitMs: Math.max(minWaitMs, waitIn(annotations, `${prefix}max_wait`, fallback.maxWaitMs)),
    maxAgeMs: waitIn(annotations, 'com.tinderbox.retry.max-age', fallback.maxAgeMs),
  };
}

function attemptsIn(text: string | undefined): number {
  if (text === undefined) return defaultRetrySettings.attempts;
  const attempts = /^\d{1,6}$/.test(text.trim()) ? Number(text) : 0;
  if (attempts >= 1 && attempts <= 1000) return attempts;
  throw new TinderboxError('invalid', `annotation ${prefix}attempts "${text}" is not a whole number from 1 to 1000`);
}

function codesIn(text: string | undefined): readonly number[] {
  if (text === undefined) return defaultRetrySettings.codes;
  const parts = text.split(',').map((part) => part.trim());
  if (parts.every((part) => /^[2-5]\d\d$/.test(part))) return parts.map(Number);
  throw new TinderboxError(
    'invalid',
    `annotation ${prefix}codes "${text}" is not a list of statuses from 200 to 599, separated by commas`,
  );
}

function waitIn(annotations: Readonly<Record<string, string>>, name: string, fallback: number): number {
  const text = annotations[name];
  if (text === undefined) return fallback;
  // A queue keeps whole milliseconds.
  const waitMs = Math.round(parseDurationMs(text, `annotation ${name}`));
  if (waitMs >= 1 && waitMs <= longestMs) return waitMs;
  throw new TinderboxError('invalid', `annotation ${name} "${text}" is not a duration from 1ms to 720h`);
}
