import { TinderboxError } from '../model/errors.ts';

/** Longest key, in bytes of UTF-8. */
const maxKeyBytes = 1024;
/** Largest value, in characters of its JSON text; a secret of 1 MiB fits with room to spare. */
const maxValueChars = 4 * 1024 * 1024;

/** Sorts after every allowed key that starts with the text before it; so it is itself not allowed in a key. */
export const lastCharacter = '\u{10ffff}';
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const forbidden = /[\u0000-\u001f\u007f\u{10ffff}]/u;

/** Throws `invalid` unless `key` is well-formed text of 1 to 1,024 bytes without control characters. */
export function assertKey(key: string): void {
  if (key.length === 0 || Buffer.byteLength(key) > maxKeyBytes) {
    throw new TinderboxError(
      'invalid',
      `store key "${key.slice(0, 80)}" has ${Buffer.byteLength(key)} bytes, it must have 1 to ${maxKeyBytes}`,
    );
  }
  if (!key.isWellFormed() || forbidden.test(key)) {
    throw new TinderboxError('invalid', `store key ${JSON.stringify(key)} contains a character that is not allowed`);
  }
}

/** The value's JSON text. Throws `invalid` for what JSON cannot hold and `too-large` above 4 Mi characters. */
export function formatValue(key: string, value: unknown): string {
  const text = stringify(key, value);
  if (text === undefined) throw new TinderboxError('invalid', `the value of store key "${key}" is not JSON`);
  if (text.length > maxValueChars) {
    throw new TinderboxError(
      'too-large',
      `the value of store key "${key}" has ${text.length} characters, the limit is ${maxValueChars}`,
    );
  }
  return text;
}

/** The error of a write whose key is at another version than the writer thought. */
export function conflictError(key: string, expected: number, actual: number): TinderboxError {
  return new TinderboxError('conflict', conflictMessage(key, expected, actual));
}

export function conflictMessage(key: string, expected: number, actual: number): string {
  const state = actual === 0 ? 'does not exist' : `is at version ${actual}`;
  const wish = expected === 0 ? 'was to be new' : `was expected at version ${expected}`;
  return `store key "${key}" ${wish} but ${state}`;
}

export function closedError(): TinderboxError {
  return new TinderboxError('unavailable', 'the store is closed');
}

function stringify(key: string, value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new TinderboxError('invalid', `the value of store key "${key}" is not JSON`, { cause });
  }
}
