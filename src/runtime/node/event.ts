import type { RequestHead } from '../../frame/head-text.ts';

/** First argument of an OpenFaaS handler. */
export interface FunctionEvent {
  /** Parsed for `application/json` and `application/x-www-form-urlencoded`, a Buffer with RAW_BODY=true, else a string. */
  readonly body: unknown;
  /** Lower-case names; what came several times is joined by a comma (cookies by a semicolon). */
  readonly headers: Record<string, string>;
  readonly method: string;
  /** A name that came several times has an array. */
  readonly query: Record<string, string | string[]>;
  readonly path: string;
}

/** How bodies are read, from the environment variables of OpenFaaS's templates. */
export interface BodyRules {
  readonly raw: boolean;
  maxBytesOf(fields: readonly string[]): number;
}

/** As in OpenFaaS's templates. */
const defaultMaxBytes = 100 * 1024;
/** Text is taken as the gateway lets it through; this only keeps one call from filling the instance's memory. */
const maxTextBytes = 64 * 1024 * 1024;

/** RAW_BODY, MAX_RAW_SIZE and MAX_JSON_SIZE (`100kb`, `2mb`, bytes). Throws when a size is neither. */
export function resolveBodyRules(env: NodeJS.ProcessEnv): BodyRules {
  const raw = env['RAW_BODY'] === 'true';
  const maxRawBytes = parseSize(env['MAX_RAW_SIZE'], raw ? defaultMaxBytes : maxTextBytes);
  const maxJsonBytes = parseSize(env['MAX_JSON_SIZE'], defaultMaxBytes);
  return { raw, maxBytesOf: (fields) => (!raw && isJson(contentType(fields)) ? maxJsonBytes : maxRawBytes) };
}

/** Throws when a JSON body is not JSON. */
export function readEvent(head: RequestHead, body: Buffer, rules: BodyRules): FunctionEvent {
  const headers = headersObject(head.fields);
  const mark = head.target.indexOf('?');
  return {
    body: readBody(body, headers['content-type'], rules.raw),
    headers,
    method: head.method,
    query: mark < 0 ? {} : queryObject(head.target.slice(mark + 1)),
    path: mark < 0 ? head.target : head.target.slice(0, mark),
  };
}

function readBody(body: Buffer, type: string | undefined, raw: boolean): unknown {
  if (raw) return body;
  if (isForm(type)) return queryObject(body.toString());
  if (!isJson(type)) return body.toString();
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw new Error(`the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function headersObject(fields: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] as string).toLowerCase();
    const value = fields[at + 1] as string;
    // Not `hasOwn`, which costs more than the rest: what a plain object has by nature is no text.
    const before: unknown = headers[name];
    headers[name] = typeof before === 'string' ? `${before}${name === 'cookie' ? '; ' : ', '}${value}` : value;
  }
  return headers;
}

function queryObject(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const before = Object.hasOwn(query, name) ? query[name] : undefined;
    query[name] = before === undefined ? value : [before, value].flat();
  }
  return query;
}

function contentType(fields: readonly string[]): string | undefined {
  for (let at = 0; at < fields.length; at += 2) {
    if ((fields[at] as string).toLowerCase() === 'content-type') return fields[at + 1];
  }
  return undefined;
}

function isForm(type: string | undefined): boolean {
  return type !== undefined && /^application\/x-www-form-urlencoded\s*(;|$)/i.test(type);
}

function isJson(type: string | undefined): boolean {
  return type !== undefined && /^application\/json\s*(;|$)/i.test(type);
}

function parseSize(text: string | undefined, fallback: number): number {
  if (text === undefined || text === '') return fallback;
  const match = /^(\d+)\s*(b|kb|mb|gb)?$/i.exec(text.trim());
  if (match === null) throw new Error(`size "${text}" is not one such as 100kb or 2mb`);
  const unit = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }[(match[2] ?? 'b').toLowerCase()] ?? 1;
  return Number(match[1]) * unit;
}
