import { parseDurationMs } from './duration.ts';
import { TinderboxError } from './errors.ts';
import { shorten } from './shorten.ts';

/** Reads a whole number within bounds. Throws `invalid`, naming `what`, the text and the bounds. */
export function integerIn(
  text: string | undefined,
  what: string,
  fallback: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return fallback;
  const value = /^-?\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new TinderboxError('invalid', `${what} "${shorten(text)}" is not a whole number from ${least} to ${most}`);
  }
  return value;
}

/** As {@link integerIn}, with decimals. */
export function numberIn(text: string, what: string, least: number, most: number): number {
  const value = /^\d{1,15}(\.\d{1,15})?$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new TinderboxError('invalid', `${what} "${shorten(text)}" is not a number from ${least} to ${most}`);
  }
  return value;
}

/** Reads a duration; 0 is always allowed. */
export function durationIn(
  text: string | undefined,
  what: string,
  fallbackMs: number,
  leastMs: number,
  mostMs: number,
): number {
  if (text === undefined) return fallbackMs;
  const ms = parseDurationMs(text, what);
  if (ms !== 0 && (ms < leastMs || ms > mostMs)) {
    throw new TinderboxError('invalid', `${what} "${shorten(text)}" is not between ${leastMs}ms and ${mostMs}ms`);
  }
  return ms;
}

export function oneOf<T extends string>(text: string | undefined, what: string, allowed: readonly T[], fallback: T): T {
  if (text === undefined) return fallback;
  const found = allowed.find((value) => value === text);
  if (found === undefined)
    throw new TinderboxError('invalid', `${what} "${shorten(text)}" is not one of ${allowed.join(', ')}`);
  return found;
}
