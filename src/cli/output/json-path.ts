import { TinderboxError } from '../../model/errors.ts';
import { type PathStep, parsePath, walkPath } from './json-path-steps.ts';

/**
 * Templates of `kubectl -o jsonpath`: text, and expressions in braces.
 *
 *     {.name}  {.items[0].name}  {.items[*].name}  {.labels['com.openfaas.scale.min']}  {..name}  {.items[-1:]}
 *     {.items[0:4:2]}  {.items[*]['name','image']}  {.items[?(@.replicas>0)].name}  {range .items[*]}{.name}{"\n"}{end}
 *
 * Several values stand beside each other with a blank, objects as JSON; what is not there is nothing.
 * Source: https://kubernetes.io/docs/reference/kubectl/jsonpath/
 */
export type JsonPath = readonly Part[];

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'path'; readonly steps: readonly PathStep[] }
  | { readonly kind: 'range'; readonly steps: readonly PathStep[]; readonly body: JsonPath };

/** Throws `invalid` for a template that cannot be read. */
export function parseJsonPath(template: string): JsonPath {
  const tokens = tokenise(template);
  const { parts, next } = parseParts(tokens, 0, template);
  if (next < tokens.length) throw refuse(template, '{end} without {range}');
  return parts;
}

export function evaluateJsonPath(path: JsonPath, data: unknown): string {
  return path.map((part) => evaluatePart(part, data)).join('');
}

function evaluatePart(part: Part, data: unknown): string {
  if (part.kind === 'text') return part.text;
  const found = walkPath(part.steps, data);
  if (part.kind === 'range') return found.map((item) => evaluateJsonPath(part.body, item)).join('');
  return found.map(textOf).join(' ');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

type Token = { readonly kind: 'text' | 'expression'; readonly text: string };

function tokenise(template: string): readonly Token[] {
  const tokens: Token[] = [];
  const piece = /\{((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*)\}|([^{]+)/y;
  while (piece.lastIndex < template.length) {
    const match = piece.exec(template);
    if (match === null) throw refuse(template, 'a brace is never closed');
    if (match[1] === undefined) tokens.push({ kind: 'text', text: match[2] ?? '' });
    else tokens.push({ kind: 'expression', text: match[1].trim() });
  }
  return tokens;
}

function parseParts(tokens: readonly Token[], from: number, template: string): { parts: Part[]; next: number } {
  const parts: Part[] = [];
  let next = from;
  for (; next < tokens.length; next++) {
    const token = tokens[next];
    if (token === undefined || token.text === 'end') break;
    if (token.kind === 'text') parts.push({ kind: 'text', text: token.text });
    else if (/^range\s/.test(token.text)) {
      const body = parseParts(tokens, next + 1, template);
      if (tokens[body.next] === undefined) throw refuse(template, '{range} without {end}');
      parts.push({ kind: 'range', steps: stepsOf(token.text.slice(6), template), body: body.parts });
      next = body.next;
    } else parts.push(parseExpression(token.text, template));
  }
  return { parts, next };
}

function parseExpression(text: string, template: string): Part {
  if (!/^["']/.test(text)) return { kind: 'path', steps: stepsOf(text, template) };
  const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r' };
  const inner = text.slice(1, -1).replace(/\\(.)/g, (_, char: string) => escapes[char] ?? char);
  return { kind: 'text', text: inner };
}

function stepsOf(text: string, template: string): readonly PathStep[] {
  const steps = parsePath(text.trim());
  if (steps === undefined) throw refuse(template, `"${text.trim()}" is not a path`);
  return steps;
}

function refuse(template: string, why: string): TinderboxError {
  return new TinderboxError('invalid', `jsonpath template "${template.slice(0, 200)}" is not valid: ${why}`, {
    hint: 'for example -o jsonpath={.name} or {range .items[*]}{.name}{"\\n"}{end}',
  });
}
