import { createHash } from 'node:crypto';
import { parseDateTimeMs } from '../model/date-time.ts';
import { parseDurationMs } from '../model/duration.ts';
import { TinderboxError } from '../model/errors.ts';
import type { RawHeaders } from '../model/invocation.ts';
import type { FunctionKey } from '../model/names.ts';
import { parseCallbackUrl } from '../queue/callback.ts';
import { derivedId, type Job } from '../queue/job.ts';
import type { DataPath } from './data-path.ts';

/** What a client says of a call nobody waits for. */
export interface AsyncRequest {
  readonly path: DataPath;
  /** The id it has unless an idempotency key names another, or it is of a kind that is derived. */
  readonly callId: string;
  /** Used where `callId` cannot be. */
  readonly ownId: string;
  /** End-to-end headers, the gateway's own included. */
  readonly headers: RawHeaders;
  readonly body: Buffer;
  /** Unix time in ms. */
  readonly nowMs: number;
}

/** Longest a call may be put off. */
const longestDelayMs = 30 * 24 * 3_600_000;
/** How long a repeat with the same idempotency key is known after it was accepted. */
const rememberMs = 24 * 3_600_000;

/**
 * The job a request asks for. Headers: `X-Callback-Url`; `X-Delay` (a duration, `30s`) or `X-Schedule-At` (RFC 3339 or
 * Unix seconds), at most 30 days ahead; `X-Priority` (-9 to 9); `Idempotency-Key` (1 to 255 visible characters), by which
 * a repeat within 24 hours is the same call. Throws `invalid`, naming the header and its value.
 */
export function jobFromRequest({ path, callId, ownId, headers, body, nowMs }: AsyncRequest): Job {
  const read = (lower: string): string | undefined => lastValue(headers, lower);
  const key = read('idempotency-key');
  const callbackUrl = read('x-callback-url');
  const id = key === undefined ? (derivedId.test(callId) ? ownId : callId) : keyedId(path.key, key);
  const named = withCallId(headers, id);
  const dueMs = parseDue(read('x-delay'), read('x-schedule-at'), nowMs);
  const since = dueMs > nowMs ? { sinceMs: dueMs } : {};
  const call = {
    kind: 'call',
    function: path.key,
    method: 'POST',
    target: path.target,
    headers: named,
    ...since,
  } as const;
  if (callbackUrl !== undefined && callbackUrl !== '') parseCallbackUrl(callbackUrl);
  return {
    id,
    lane: path.key,
    priority: parsePriority(read('x-priority')),
    dueMs,
    createdMs: nowMs,
    rememberMs: key === undefined ? 0 : nowMs + rememberMs,
    payload: callbackUrl === undefined || callbackUrl === '' ? call : { ...call, callbackUrl },
    body,
  };
}

function keyedId(functionKey: FunctionKey, key: string): string {
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new TinderboxError('invalid', 'Idempotency-Key is not 1 to 255 visible characters');
  }
  return `key-${createHash('sha256').update(`${functionKey}\n${key}`).digest('hex').slice(0, 32)}`;
}

/** The function gets the id its call is known by. */
function withCallId(headers: RawHeaders, id: string): RawHeaders {
  return headers.map((text, at) => (at % 2 === 1 && headers[at - 1]?.toLowerCase() === 'x-call-id' ? id : text));
}

function parsePriority(text: string | undefined): number {
  if (text === undefined) return 0;
  if (/^[+-]?\d$/.test(text.trim())) return Number(text);
  throw new TinderboxError('invalid', `X-Priority "${text.slice(0, 60)}" is not a whole number from -9 to 9`);
}

function parseDue(delay: string | undefined, at: string | undefined, nowMs: number): number {
  if (delay !== undefined && at !== undefined) {
    throw new TinderboxError('invalid', 'X-Delay and X-Schedule-At exclude each other');
  }
  if (delay !== undefined)
    return assertAhead('X-Delay', delay, nowMs + parseDurationMs(delay.slice(0, 60), 'X-Delay'), nowMs);
  if (at === undefined) return nowMs;
  const dueMs = /^\d{9,11}$/.test(at) ? Number(at) * 1000 : parseDateTimeMs(at);
  if (dueMs !== undefined) return assertAhead('X-Schedule-At', at, dueMs, nowMs);
  throw new TinderboxError(
    'invalid',
    `X-Schedule-At "${at.slice(0, 60)}" is not a time such as 2026-12-24T18:00:00Z, nor Unix seconds`,
  );
}

function assertAhead(header: string, text: string, dueMs: number, nowMs: number): number {
  if (dueMs - nowMs <= longestDelayMs) return Math.round(Math.max(dueMs, nowMs));
  throw new TinderboxError('invalid', `${header} "${text.slice(0, 60)}" is not a time within the next 30 days`);
}

function lastValue(headers: RawHeaders, lower: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; at + 1 < headers.length; at += 2) if (headers[at]?.toLowerCase() === lower) found = headers[at + 1];
  return found;
}
