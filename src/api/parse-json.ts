import type { z } from 'zod';
import { TinderboxError } from '../model/errors.ts';
import { shorten } from '../model/shorten.ts';

const maxShownChars = 80;

/** Parses a request body as JSON. Throws `invalid`, also for an empty body. */
export function parseJson(body: unknown): unknown {
  const text = Buffer.isBuffer(body) ? body.toString('utf8') : '';
  if (text.trim() === '') throw new TinderboxError('invalid', 'the request has no body; JSON is expected');
  assertShallow(text);
  try {
    return JSON.parse(text, (key, value: unknown) => {
      if (key === '__proto__') throw new TinderboxError('invalid', 'unknown field "__proto__"');
      return value;
    });
  } catch (cause) {
    if (cause instanceof TinderboxError) throw cause;
    throw new TinderboxError('invalid', `the request body is not JSON: ${describe(cause)}`, { cause });
  }
}

/** Deeper than any request is, and far from what exhausts the stack of those who walk it. */
const deepest = 100;

/** Throws `invalid` for text that is nested deeper. What is no JSON may pass: the parser sees it. */
function assertShallow(text: string): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (inString) {
      if (char === '\\') at += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    if (depth > deepest) throw new TinderboxError('invalid', `the request body is nested more than ${deepest} deep`);
  }
}

/** What is wrong without the piece of the text that V8 quotes: it may be of a secret. */
function describe(cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return reason.replace(/,? ?(\.\.\.)?"[^]*"(\.\.\.)? is not valid JSON$/, '');
}

/** As {@link parseJson}, but an empty body is an empty object: older clients send the fields in the query. */
export function parseOptionalJson(body: unknown): unknown {
  return body === undefined || body === null || (Buffer.isBuffer(body) && body.length === 0) ? {} : parseJson(body);
}

/**
 * Checks a value against a schema. Throws `invalid`, naming the field, its value and what is allowed; of fields that are
 * `hidden` the value stays untold.
 */
export function parseFields<T>(schema: z.ZodType<T>, value: unknown, hidden: readonly string[] = []): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new TinderboxError(
    'invalid',
    issue === undefined ? 'the request is not valid' : formatIssue(issue, value, hidden),
  );
}

function formatIssue(issue: z.core.$ZodIssue, input: unknown, hidden: readonly string[]): string {
  const path = issue.path.map((part) => shorten(String(part), maxShownChars));
  if (issue.code === 'unrecognized_keys') {
    return `unknown field "${[...path, shorten(issue.keys[0] ?? '', maxShownChars)].join('.')}"`;
  }
  if (path.length === 0) return `the request body is not valid: ${lowerFirst(issue.message)}`;
  // A record's key that is not allowed is reported with the rule it breaks one level below.
  const inner = issue.code === 'invalid_key' ? issue.issues[0] : undefined;
  const value = valueAt(input, issue.path);
  if (value === undefined && inner === undefined) return `${path.join('.')}: is required`;
  const isTold = inner === undefined && !hidden.includes(path[0] ?? '');
  const shown = isTold ? show(value) : '';
  return `${path.join('.')}: ${shown}${lowerFirst((inner ?? issue).message)}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return value;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > maxShownChars ? `${text.slice(0, maxShownChars)}… ` : `${text} `;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
