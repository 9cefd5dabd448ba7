import { TinderboxError } from '../../model/errors.ts';
import type { StackFile, StackFunction } from './stack-file.ts';

export interface Selection {
  /** Wildcards `*` and `?` over the whole name. */
  readonly filter?: string | undefined;
  /** Regular expression found anywhere in the name. */
  readonly regex?: string | undefined;
}

/** The functions a command is about. Throws `invalid` when both ways are used or nothing fits. */
export function selectFunctions(stack: StackFile, selection: Selection): readonly StackFunction[] {
  const pattern = patternOf(selection);
  if (pattern === undefined) return stack.functions;
  const chosen = stack.functions.filter((fn) => pattern.test(fn.name));
  if (chosen.length > 0) return chosen;
  const names = stack.functions.map((fn) => fn.name).join(', ');
  throw new TinderboxError('not-found', `no function of ${stack.file} fits ${selection.filter ?? selection.regex}`, {
    hint: `it has: ${names}`,
  });
}

function patternOf({ filter, regex }: Selection): RegExp | undefined {
  if (filter !== undefined && regex !== undefined) {
    throw new TinderboxError('invalid', '--filter and --regex exclude each other');
  }
  if (filter !== undefined) {
    const escaped = filter.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
    return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  }
  if (regex === undefined) return undefined;
  try {
    return new RegExp(regex);
  } catch (cause) {
    throw new TinderboxError('invalid', `--regex "${regex}" is not a regular expression`, { cause });
  }
}
