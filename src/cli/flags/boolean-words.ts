import type { Command } from 'commander';
import { TinderboxError } from '../../model/errors.ts';
import { shorten } from '../../model/shorten.ts';

/** As Go's flags take them. */
const truths: readonly string[] = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const lies: readonly string[] = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/**
 * Writes `--flag=true` and `--flag=false`, which faas-cli's flags without a value take, as the flags commander knows:
 * `--flag`, `--no-flag`, or nothing where that is the default anyway (a bare `--trim` too, where only `--no-trim` is
 * known). Words after `--` and of flags that take a value
 * stay as they are. Throws `invalid` for any other value of such a flag.
 */
export function plainBooleans(words: readonly string[], command: Command): readonly string[] {
  const options = flagsOf(command);
  const end = words.indexOf('--');
  const until = end < 0 ? words.length : end;
  return words.flatMap((word, index) => {
    const match = index < until ? /^(--[a-z][a-z-]*|-[a-zA-Z])(?:=(.*))?$/s.exec(word) : null;
    const long = match === null ? undefined : (options.shorts.get(match[1] ?? '') ?? match[1]);
    if (match === null || long === undefined) return [word];
    const negated = `--no-${long.slice(2)}`;
    if (!options.plain.has(long) && !options.plain.has(negated)) return [word];
    const on = truthOf(match[2] ?? 'true');
    if (on === undefined && options.valued.has(match[1])) return [word];
    if (on === undefined) throw noTruth(match[1] ?? '', match[2] ?? '');
    const wanted = on ? long : negated;
    return options.plain.has(wanted) ? [wanted] : [];
  });
}

function truthOf(value: string): boolean | undefined {
  if (truths.includes(value)) return true;
  return lies.includes(value) ? false : undefined;
}

function noTruth(flag: string, value: string): TinderboxError {
  return new TinderboxError('invalid', `${flag} "${shorten(value)}" is neither true nor false`);
}

interface Flags {
  /** Long names of all flags without a value. */
  readonly plain: ReadonlySet<string>;
  /** Long and short names of those that take a value, with some of the commands. */
  readonly valued: ReadonlySet<string | undefined>;
  readonly shorts: ReadonlyMap<string, string>;
}

function flagsOf(command: Command): Flags {
  const all = treeOf(command).flatMap((node) => node.options);
  const plain = all.filter((option) => !option.required && !option.optional);
  return {
    plain: new Set(plain.flatMap((option) => option.long ?? [])),
    valued: new Set(all.filter((option) => !plain.includes(option)).flatMap(({ long, short }) => [long, short])),
    shorts: new Map(plain.flatMap((option) => (option.short && option.long ? [[option.short, option.long]] : []))),
  };
}

function treeOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(treeOf)];
}
