import { fitsWildcards } from './fits-wildcards.ts';

/**
 * `${VAR}` in a stack file, replaced in its text before it is parsed, in the forms of a POSIX shell that faas-cli's
 * users write. Every offset of the new text can be traced back, so that messages point into the file as it is on disk.
 *
 *     ${V}  ${V:-word} ${V-word} ${V:=word} ${V=word}  ${V:+word} ${V+word}  ${#V}  ${V^} ${V^^} ${V,} ${V,,}
 *     ${V:2} ${V:2:3}  ${V/old/new} ${V//old/new} ${V/#old/new} ${V/%old/new}  ${V#word} ${V##word} ${V%word} ${V%%word}
 *     $$ (a dollar sign)
 *
 * `word` may hold further expressions; what is cut off may have `*` and `?`. An unset variable is empty, as with faas-cli. Values are inserted as they are
 * and not looked at again.
 */
export interface Substitution {
  readonly text: string;
  /** Where the text at this offset of the result came from. */
  sourceOffset(offset: number): number;
  /** Expressions that could not be understood. */
  readonly problems: readonly SubstitutionProblem[];
}

export interface SubstitutionProblem {
  readonly offset: number;
  readonly message: string;
}

type Lookup = (name: string) => string | undefined;

interface Piece {
  readonly start: number;
  readonly source: number;
  readonly literal: boolean;
}

/** Deepest expression within expressions. */
const mostNested = 100;
/** Longest text that may come of a stack file: a few repeated variables could fill the memory. */
const mostChars = 4 * 2 ** 20;

export function substituteVariables(source: string, lookup: Lookup): Substitution {
  const pieces: Piece[] = [];
  const problems: SubstitutionProblem[] = [];
  let text = '';
  let position = 0;
  const append = (part: string, sourceStart: number, literal: boolean): void => {
    pieces.push({ start: text.length, source: sourceStart, literal });
    text += part;
  };
  while (position < source.length) {
    const dollar = source.indexOf('$', position);
    const until = dollar < 0 ? source.length : dollar;
    append(source.slice(position, until), position, true);
    position = until;
    if (dollar < 0) break;
    const found = readExpression(source, dollar, lookup);
    if (found.problem !== undefined) problems.push({ offset: dollar, message: found.problem });
    if (text.length + found.value.length > Math.max(mostChars, source.length)) {
      const message = `with what is inserted here the file has more than ${mostChars} characters`;
      return { text: '', problems: [{ offset: dollar, message }], sourceOffset: () => dollar };
    }
    append(found.value, dollar, false);
    position = found.end;
  }
  return { text, problems, sourceOffset: (offset) => trace(pieces, offset, source.length) };
}

function trace(pieces: readonly Piece[], offset: number, end: number): number {
  const piece = pieces.findLast((candidate) => candidate.start <= offset);
  if (piece === undefined) return 0;
  return Math.min(end, piece.literal ? piece.source + (offset - piece.start) : piece.source);
}

interface Expression {
  readonly value: string;
  readonly end: number;
  readonly problem?: string;
}

/** What stands at a dollar sign: an expression, an escaped dollar, or a dollar that means nothing. */
function readExpression(source: string, dollar: number, lookup: Lookup): Expression {
  if (source[dollar + 1] === '$') return { value: '$', end: dollar + 2 };
  if (source[dollar + 1] !== '{') return { value: '$', end: dollar + 1 };
  const { close, depth } = closingBrace(source, dollar + 2);
  if (depth > mostNested) {
    const end = close < 0 ? source.length : close + 1;
    return { value: '', end, problem: `expressions are nested more than ${mostNested} deep` };
  }
  if (close < 0) {
    const line = source.slice(dollar).split('\n', 1)[0] ?? '';
    return { value: line, end: dollar + line.length, problem: `"${line.slice(0, 40)}" is never closed with "}"` };
  }
  const inner = source.slice(dollar + 2, close);
  const value = evaluate(inner, lookup);
  if (value !== undefined) return { value, end: close + 1 };
  return { value: '', end: close + 1, problem: `"\${${inner}}" is not a form of substitution that is known here` };
}

function closingBrace(source: string, from: number): { readonly close: number; readonly depth: number } {
  let depth = 1;
  let deepest = 1;
  for (let index = from; index < source.length; index++) {
    if (source.startsWith('${', index)) deepest = Math.max(deepest, ++depth);
    if (source[index] === '}' && --depth === 0) return { close: index, depth: deepest };
    if (source[index] === '\n') break;
  }
  return { close: -1, depth: deepest };
}

function evaluate(inner: string, lookup: Lookup): string | undefined {
  const length = /^#([A-Za-z_]\w*)$/.exec(inner);
  if (length !== null) return String(Array.from(lookup(length[1] ?? '') ?? '').length);
  const match = /^([A-Za-z_]\w*)(.*)$/s.exec(inner);
  if (match === null) return undefined;
  return applyOperator(lookup(match[1] ?? ''), match[2] ?? '', lookup);
}

function applyOperator(value: string | undefined, operator: string, lookup: Lookup): string | undefined {
  const known = value ?? '';
  if (operator === '') return known;
  const choice = /^(:?)([-=+])(.*)$/s.exec(operator);
  if (choice !== null) {
    // With faas-cli, `=` takes an empty variable for one that is not set even without a colon.
    const present = choice[1] === ':' || choice[2] === '=' ? known !== '' : value !== undefined;
    const word = (): string => substituteVariables(choice[3] ?? '', lookup).text;
    if (choice[2] === '+') return present ? word() : '';
    return present ? known : word();
  }
  const slice = /^:(\d+)(?::(\d+))?$/.exec(operator);
  if (slice !== null) {
    const start = Number(slice[1]);
    return known.slice(start, slice[2] === undefined ? undefined : start + Number(slice[2]));
  }
  const replacement = /^(\/[/#%]?)([^/]+)\/(.*)$/s.exec(operator);
  if (replacement !== null) return replaceIn(known, replacement[1] ?? '', replacement[2] ?? '', replacement[3] ?? '');
  const trim = /^(##?|%%?)(.*)$/s.exec(operator);
  if (trim !== null) return trimmed(known, trim[1] ?? '', substituteVariables(trim[2] ?? '', lookup).text);
  return changeCase(known, operator);
}

function replaceIn(value: string, where: string, old: string, fresh: string): string {
  if (where === '//') {
    // What would be longer than any file may be is not built to its end.
    let room = mostChars + fresh.length;
    return value.replaceAll(old, () => ((room -= fresh.length) >= 0 ? fresh : ''));
  }
  if (where === '/#') return value.startsWith(old) ? fresh + value.slice(old.length) : value;
  if (where === '/%') return value.endsWith(old) ? value.slice(0, value.length - old.length) + fresh : value;
  return value.replace(old, () => fresh);
}

/** Without the shortest (`#`, `%`) or longest part that fits, at its start or end. */
function trimmed(value: string, operator: string, pattern: string): string {
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
  const ordered = operator.length === 1 ? lengths : lengths.toReversed();
  if (operator.startsWith('#')) {
    const cut = ordered.find((length) => fitsWildcards(pattern, value.slice(0, length)));
    return value.slice(cut ?? 0);
  }
  const cut = ordered.find((length) => fitsWildcards(pattern, value.slice(value.length - length)));
  return value.slice(0, value.length - (cut ?? 0));
}

function changeCase(value: string, operator: string): string | undefined {
  if (operator === '^^') return value.toUpperCase();
  if (operator === ',,') return value.toLowerCase();
  if (operator === '^') return value.slice(0, 1).toUpperCase() + value.slice(1);
  if (operator === ',') return value.slice(0, 1).toLowerCase() + value.slice(1);
  return undefined;
}
