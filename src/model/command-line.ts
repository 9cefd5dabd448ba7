import { TinderboxError } from './errors.ts';

/**
 * Splits a command line into words as a POSIX shell would, without running one: blanks separate, single quotes keep
 * everything, double quotes keep all but `\"`, `\\`, `\$` and `` \` ``, a backslash keeps the next character. Nothing
 * is expanded. Throws `invalid` for an open quote or an empty command.
 */
export function parseCommandLine(text: string, what = 'command'): string[] {
  const words: string[] = [];
  const part = /\s+|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)/y;
  let word: string | undefined;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (match === null)
      throw new TinderboxError('invalid', `${what} "${text}" has a quote or backslash without its end`);
    const [blank, single, double, escaped, plain] = match;
    const piece = single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped ?? plain;
    if (piece !== undefined) word = (word ?? '') + piece;
    else if (blank !== undefined && word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new TinderboxError('invalid', `${what} is empty`);
  return words;
}
