/** One step of a path into a value. */
export type PathStep =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'descend'; readonly name: string }
  | {
      readonly kind: 'slice';
      readonly start: number | undefined;
      readonly end: number | undefined;
      readonly every: number;
    }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'union'; readonly choices: readonly PathStep[] }
  | { readonly kind: 'filter'; readonly keep: Comparison };

interface Comparison {
  readonly steps: readonly PathStep[];
  /** Without an operator it is enough that the path leads somewhere. */
  readonly operator?: string;
  readonly value?: unknown;
}

/** A fresh one for each path: a sticky expression keeps its place. */
const createStep = (): RegExp =>
  /\$|@|\.\.([\w-]+)|\.\*|\.((?:[\w-]|\\.)+)|\.(?=$|\[)|\[\*\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]|\[(-?\d+)\]|\[(-?\d*):(-?\d*)(?::([1-9]\d*)?)?\]|\[\?\((.*?)\)\]|\[((?:'[^']*'|"[^"]*"|-?\d+)(?:\s*,\s*(?:'[^']*'|"[^"]*"|-?\d+))+)\]/y;

/** The steps of a path such as `.items[0].name`; undefined for what is none. */
export function parsePath(text: string): readonly PathStep[] | undefined {
  const steps: PathStep[] = [];
  const source = /^[\w-]/.test(text) ? `.${text}` : text;
  const step = createStep();
  let position = 0;
  while (position < source.length) {
    step.lastIndex = position;
    const match = step.exec(source);
    if (match === null) return undefined;
    const parsed = stepFrom(match);
    if (parsed === 'broken') return undefined;
    if (parsed !== undefined) steps.push(parsed);
    position += match[0].length;
  }
  return source === '' ? undefined : steps;
}

function stepFrom(match: RegExpExecArray): PathStep | 'broken' | undefined {
  const [whole, below, dotted, single, double, index, start, end, every, filter, union] = match;
  if (below !== undefined) return { kind: 'descend', name: below };
  const name = dotted ?? single ?? double;
  if (name !== undefined) return { kind: 'field', name: name.replace(/\\(.)/g, '$1') };
  if (whole === '.*' || whole === '[*]') return { kind: 'all' };
  if (index !== undefined) return { kind: 'index', index: Number(index) };
  if (filter !== undefined) return filterFrom(filter);
  if (union !== undefined) return { kind: 'union', choices: choicesIn(union) };
  if (start === undefined) return undefined;
  return { kind: 'slice', start: numberOf(start), end: numberOf(end ?? ''), every: Number(every ?? 1) };
}

function choicesIn(text: string): readonly PathStep[] {
  return [...text.matchAll(/'[^']*'|"[^"]*"|-?\d+/g)].flatMap(([choice]) => parsePath(`[${choice}]`) ?? []);
}

function numberOf(text: string): number | undefined {
  return text === '' || text === '-' ? undefined : Number(text);
}

function filterFrom(text: string): PathStep | 'broken' {
  const match = /^\s*(@[^=!<>]*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*$/.exec(text);
  const steps = parsePath(match?.[1] ?? '');
  if (match === null || steps === undefined) return 'broken';
  if (match[2] === undefined) return { kind: 'filter', keep: { steps } };
  return { kind: 'filter', keep: { steps, operator: match[2], value: literalOf(match[3] ?? '') } };
}

function literalOf(text: string): unknown {
  const quoted = /^'(.*)'$|^"(.*)"$/s.exec(text);
  if (quoted !== null) return quoted[1] ?? quoted[2] ?? '';
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** All that a path leads to from a value, in order. */
export function walkPath(steps: readonly PathStep[], value: unknown): readonly unknown[] {
  return steps.reduce<readonly unknown[]>(takeAll, [value]);
}

/** Of a union kubectl tells the first choice of all, then the second. */
function takeAll(found: readonly unknown[], next: PathStep): readonly unknown[] {
  if (next.kind === 'union') return next.choices.flatMap((choice) => takeAll(found, choice));
  return found.flatMap((item) => takeStep(next, item));
}

function takeStep(next: Exclude<PathStep, { kind: 'union' }>, value: unknown): readonly unknown[] {
  if (next.kind === 'field') return present(value, next.name);
  if (next.kind === 'all') return childrenOf(value);
  if (next.kind === 'descend') return descend(value, next.name);
  if (!Array.isArray(value)) return [];
  if (next.kind === 'index') return value.slice(next.index).slice(0, 1);
  if (next.kind === 'slice') return value.slice(next.start, next.end).filter((_, at) => at % next.every === 0);
  return value.filter((item) => fits(next.keep, item));
}

function present(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return [];
  return [(value as Record<string, unknown>)[name]];
}

function childrenOf(value: unknown): readonly unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

function descend(value: unknown, name: string): readonly unknown[] {
  return [...present(value, name), ...childrenOf(value).flatMap((child) => descend(child, name))];
}

function fits({ steps, operator, value }: Comparison, item: unknown): boolean {
  const found = walkPath(steps, item);
  if (operator === undefined) return found.length > 0;
  return found.some((left) => compare(left, operator, value));
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) return false;
  const [a, b] = [left, right as typeof left];
  if (operator === '<') return a < b;
  if (operator === '>') return a > b;
  return operator === '<=' ? a <= b : a >= b;
}
