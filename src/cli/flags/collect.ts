import { parseDurationMs } from '../../model/duration.ts';
import { TinderboxError } from '../../model/errors.ts';

/** For a flag that may be given several times. */
export function collectTexts(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), value];
}

/** For `--flag KEY=VALUE`, several times; the later wins. Throws `invalid` without a key or `=`. */
export function collectPairs(
  value: string,
  earlier: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const equals = value.indexOf('=');
  if (equals < 1) throw new TinderboxError('invalid', `"${value}" is not of the form KEY=VALUE`);
  return { ...earlier, [value.slice(0, equals)]: value.slice(equals + 1) };
}

/** For a flag that takes a whole number of at least `least`. */
export function parseInteger(what: string, least: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least) return number;
    throw new TinderboxError('invalid', `${what} "${value}" is not a whole number of at least ${least}`);
  };
}

/** For a flag that takes a length of time; milliseconds come out. */
export function parseDuration(what: string): (value: string) => number {
  return (value) => parseDurationMs(value, what);
}
