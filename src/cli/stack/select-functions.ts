import { setFlagsFromString } from 'node:v8';
import { TinderboxError } from '../../model/errors.ts';
import { fitsWildcards } from './fits-wildcards.ts';
import type { StackFile, StackFunction } from './stack-file.ts';

export interface Selection {
  /** Wildcards `*` and `?` over the whole name. */
  readonly filter?: string | undefined;
  /** Regular expression found anywhere in the name. */
  readonly regex?: string | undefined;
}

/** The functions a command is about. Throws `invalid` when both ways are used or nothing fits. */
export function selectFunctions(stack: StackFile, selection: Selection): readonly StackFunction[] {
  const fits = decideFit(selection);
  if (fits === undefined) return stack.functions;
  const chosen = stack.functions.filter((fn) => fits(fn.name));
  if (chosen.length > 0) return chosen;
  const names = stack.functions.map((fn) => fn.name).join(', ');
  throw new TinderboxError('not-found', `no function of ${stack.file} fits ${selection.filter ?? selection.regex}`, {
    hint: `it has: ${names}`,
  });
}

function decideFit({ filter, regex }: Selection): ((name: string) => boolean) | undefined {
  if (filter !== undefined && regex !== undefined) {
    throw new TinderboxError('invalid', '--filter and --regex exclude each other');
  }
  if (filter !== undefined) return (name) => fitsWildcards(filter, name);
  if (regex === undefined) return undefined;
  // A pattern that goes back without end ("(a+)+b") goes on in V8's linear engine instead.
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  try {
    const expression = new RegExp(regex);
    return (name) => expression.test(name);
  } catch (cause) {
    throw new TinderboxError('invalid', `--regex "${regex}" is not a regular expression`, { cause });
  }
}
