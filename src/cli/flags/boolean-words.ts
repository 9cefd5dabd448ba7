import type { Command } from 'commander';

/**
 * Writes `--flag=true` and `--flag=false`, which faas-cli's flags without a value take, as the flags commander knows:
 * `--flag`, `--no-flag`, or nothing where that is the default anyway (a bare `--trim` too, where only `--no-trim` is
 * known). Words after `--` and of flags that take a value
 * stay as they are.
 */
export function plainBooleans(words: readonly string[], command: Command): readonly string[] {
  const options = flagsOf(command);
  const end = words.indexOf('--');
  const until = end < 0 ? words.length : end;
  return words.flatMap((word, index) => {
    const match = index < until ? /^(--[a-z][a-z-]*|-[a-zA-Z])(?:=(true|false|1|0))?$/.exec(word) : null;
    const long = match === null ? undefined : (options.shorts.get(match[1] ?? '') ?? match[1]);
    if (match === null || long === undefined) return [word];
    const on = match[2] === undefined || match[2] === 'true' || match[2] === '1';
    const negated = `--no-${long.slice(2)}`;
    if (!options.plain.has(long) && !options.plain.has(negated)) return [word];
    const wanted = on ? long : negated;
    return options.plain.has(wanted) ? [wanted] : [];
  });
}

interface Flags {
  /** Long names of all flags without a value. */
  readonly plain: ReadonlySet<string>;
  readonly shorts: ReadonlyMap<string, string>;
}

function flagsOf(command: Command): Flags {
  const all = treeOf(command).flatMap((node) => node.options);
  const plain = all.filter((option) => !option.required && !option.optional);
  return {
    plain: new Set(plain.flatMap((option) => option.long ?? [])),
    shorts: new Map(plain.flatMap((option) => (option.short && option.long ? [[option.short, option.long]] : []))),
  };
}

function treeOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(treeOf)];
}
