import { TinderboxError } from '../model/errors.ts';

/** `key=value,key=value`, values percent-encoded, as in W3C Baggage. Throws `config`. */
export function parsePairs(text: string, name: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const value = decode(part.slice(at + 1));
    if (at <= 0 || value === undefined) {
      // The value may be a token: it is not repeated.
      throw new TinderboxError('config', `${name} has an entry that is not of the form key=value`);
    }
    pairs[part.slice(0, at).trim()] = value;
  }
  return pairs;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}

/** Throws `config` unless it is a number from 0 to 1. */
export function parseRatio(text: string, name: string): number {
  const ratio = /^\d*\.?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw new TinderboxError('config', `${name} is "${text}", not a number from 0 to 1`);
}
