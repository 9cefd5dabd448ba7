import type { Call, ReplyFields } from './call.ts';
import { logError, replyError } from './reply-error.ts';
import { bytesOf, replyStream } from './reply-stream.ts';

type HeaderValue = string | number | readonly string[] | undefined;
type HeaderValues = Readonly<Record<string, HeaderValue>>;

const noBytes = Buffer.alloc(0);

/**
 * Answers with what a handler gave: strings and bytes as they are, nothing as nothing, streams and async iterables piece
 * by piece, all else as JSON. A content type is added where the handler set none.
 */
export function replyValue(call: Call, status: number, headers: HeaderValues, value: unknown): void {
  const given = fieldsFrom(headers);
  if (value === undefined || value === null) {
    if (given.length !== undefined && call.isBodyless(status)) return replyBare(call, status, given);
    return call.reply(status, given.fields, noBytes);
  }
  if (typeof value === 'string')
    return call.reply(status, typed(given, 'text/plain; charset=utf-8'), Buffer.from(value));
  const bytes = bytesOf(value);
  if (bytes !== undefined) return call.reply(status, typed(given, 'application/octet-stream'), bytes);
  if (typeof value === 'object' && Symbol.asyncIterator in value) {
    const source = value as AsyncIterable<unknown>;
    void replyStream(call, status, typed(given, 'application/octet-stream'), given.length, source);
    return;
  }
  let json: string | undefined;
  try {
    json = JSON.stringify(value) as string | undefined;
  } catch (error) {
    logError(error);
    return replyError(call, 500, `the function's answer is not JSON: ${(error as Error).message}`);
  }
  if (json === undefined) return replyError(call, 500, `the function's answer is a ${typeof value}`);
  call.reply(status, typed(given, 'application/json'), Buffer.from(json));
}

interface GivenFields {
  readonly fields: ReplyFields;
  /** What the handler said in Content-Length. */
  readonly length: number | undefined;
  readonly hasType: boolean;
}

function fieldsFrom(headers: HeaderValues): GivenFields {
  const fields: string[] = [];
  let length: number | undefined;
  let hasType = false;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    const lower = name.toLowerCase();
    if (value === undefined) continue;
    if (lower === 'content-length') {
      length = /^\d{1,15}$/.test(String(value)) ? Number(value) : undefined;
      continue;
    }
    hasType ||= lower === 'content-type';
    for (const one of Array.isArray(value) ? value : [value]) fields.push(name, String(one));
  }
  return { fields, length, hasType };
}

function typed({ fields, hasType }: GivenFields, type: string): ReplyFields {
  return hasType ? fields : [...fields, 'content-type', type];
}

function replyBare(call: Call, status: number, { fields, length }: GivenFields): void {
  if (call.sendHead(status, fields, length, true)) call.finish();
}
