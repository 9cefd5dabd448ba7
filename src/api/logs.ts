import { parseDateTimeMs } from '../model/date-time.ts';
import { TinderboxError } from '../model/errors.ts';
import type { LogLine, LogQuery } from '../model/log-line.ts';
import { assertName } from '../model/names.ts';
import { formatRetiredRecordKey } from '../model/record-keys.ts';
import type { ApiParts } from './api-parts.ts';
import { findFunction, unknownFunction } from './catalog.ts';

/** The query of `GET /system/logs` as it arrives. */
export interface LogParams {
  readonly name: string | undefined;
  readonly instance: string | undefined;
  readonly tail: string | undefined;
  readonly follow: string | undefined;
  readonly since: string | undefined;
}

/**
 * Checks the parameters: `tail` a whole number, negative for all; `follow` true, 1, false or 0; `since` RFC 3339.
 * Throws `unprocessable`, naming parameter and value.
 */
export function parseLogQuery(params: LogParams, namespace: string, name: string): LogQuery {
  if (!params.name) throw new TinderboxError('unprocessable', 'name: is required');
  assertLogName('namespace', namespace);
  assertLogName('function', name);
  const tail = parseTail(params.tail);
  const sinceMs = parseSince(params.since);
  return {
    namespace,
    name,
    ...(params.instance ? { instance: params.instance } : {}),
    ...(tail === undefined ? {} : { tail }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    follow: parseFollow(params.follow),
  };
}

/** Log lines of a function, also of one that was deleted lately. Throws `not-found` for one that never was. */
export function openLogs({ catalog, engine }: ApiParts, query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> {
  const { namespace, name } = query;
  const known =
    findFunction(catalog, namespace, name) ?? catalog.retired.get(formatRetiredRecordKey(namespace, name))?.value;
  if (known === undefined) throw unknownFunction(namespace, name);
  return engine.logs(query, signal);
}

function assertLogName(what: 'function' | 'namespace', value: string): void {
  try {
    assertName(what, value);
  } catch (reason) {
    throw new TinderboxError('unprocessable', TinderboxError.from(reason).message, { cause: reason });
  }
}

function parseTail(text: string | undefined): number | undefined {
  if (!text) return undefined;
  if (!/^-?\d{1,9}$/.test(text)) {
    throw new TinderboxError('unprocessable', `tail: "${text}" is not a whole number of lines, or -1 for all`);
  }
  const lines = Number(text);
  return lines < 0 ? undefined : lines;
}

function parseFollow(text: string | undefined): boolean {
  if (!text || text === 'false' || text === '0') return false;
  if (text === 'true' || text === '1') return true;
  throw new TinderboxError('unprocessable', `follow: "${text}" is neither true nor false`);
}

function parseSince(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const ms = parseDateTimeMs(text);
  if (ms === undefined) throw new TinderboxError('unprocessable', `since: "${text}" is not a time of RFC 3339`);
  return ms;
}
