import type { Readable } from 'node:stream';
import type { CancelSignal } from '../model/cancel.ts';
import { TinderboxError } from '../model/errors.ts';
import type { InvocationSource, Invoke, RawHeaders, Reply } from '../model/invocation.ts';
import { type AttemptOutcome, parseRetryAfter } from './decide-retry.ts';
import type { CallPayload, LeasedJob } from './job.ts';

/** An attempt's answer, as much of it as is kept. */
export interface Attempt extends AttemptOutcome {
  readonly headers: RawHeaders;
  readonly body: Buffer;
  /** Whether the body was longer than what is kept. */
  readonly truncated: boolean;
  readonly durationMs: number;
  /** Time in an instance, whole milliseconds; 0: none got it. */
  readonly billedMs: number;
}

export interface CallContext {
  readonly invoke: Invoke;
  /** Bytes of an answer that are kept; the rest is read and dropped. */
  readonly replyBytes: number;
  /** Unix time in ms. */
  readonly now: () => number;
}

/** Bytes of an answer that nobody asked for which are kept, for the call's history. */
export const historyBytes = 1024;

/** A call whose caller does not wait on a connection. */
export interface CallRequest {
  readonly id: string;
  readonly payload: CallPayload;
  readonly body: Uint8Array;
  /** Bytes of the answer that are kept. */
  readonly keep: number;
  readonly source: InvocationSource;
}

/** Calls the function a job is for. Never rejects: a failure of the platform is an answer, too. */
export async function attemptCall(
  { id, body }: LeasedJob,
  payload: CallPayload,
  context: CallContext,
  signal: CancelSignal,
): Promise<Attempt> {
  const keep = payload.callbackUrl === undefined ? historyBytes : context.replyBytes;
  return await makeCall({ id, payload, body, keep, source: 'async' }, context, signal);
}

/** Makes a call and reads its answer. Never rejects. */
export async function makeCall(
  { id, payload, body: bytes, keep, source }: CallRequest,
  context: Pick<CallContext, 'invoke' | 'now'>,
  signal: CancelSignal,
): Promise<Attempt> {
  const begunMs = performance.now();
  let begun = Number.POSITIVE_INFINITY;
  const measured = (): Pick<Attempt, 'durationMs' | 'billedMs'> => {
    const nowMs = performance.now();
    return { durationMs: nowMs - begunMs, billedMs: Math.max(0, Math.ceil(nowMs - begun)) };
  };
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const reply = await context.invoke(
      {
        id,
        function: payload.function,
        method: payload.method,
        target: payload.target,
        headers: payload.headers,
        body: body.length === 0 ? undefined : body,
        contentLength: undefined,
        source,
        arrivedAtMs: begunMs,
        upgrade: false,
        onBegin: () => {
          begun = performance.now();
        },
      },
      signal,
    );
    const kept = await collect(reply, keep);
    const { status, origin, headers } = reply;
    const retryAfterMs = parseRetryAfter(valueOf(headers, 'retry-after'), context.now());
    return { status, origin, headers, retryAfterMs, ...kept, ...measured() };
  } catch (reason) {
    const { status, message, retryAfterMs } = TinderboxError.from(reason);
    const text = Buffer.from(`${message}\n`);
    const headers = ['Content-Type', 'text/plain; charset=utf-8'];
    return { status, origin: 'router', headers, retryAfterMs, body: text, truncated: false, ...measured() };
  }
}

async function collect(reply: Reply, most: number): Promise<{ body: Buffer; truncated: boolean }> {
  if (reply.kind === 'buffered') {
    const truncated = reply.body.length > most;
    return { body: truncated ? reply.body.subarray(0, most) : reply.body, truncated };
  }
  if (reply.kind === 'streaming') return await readUpTo(reply.body, most);
  reply.socket.destroy();
  throw new TinderboxError('bad-reply', 'the function switched protocols without being asked');
}

/** Reads to the end, since destroying the stream would cancel the call, but keeps only so much. */
async function readUpTo(stream: Readable, most: number): Promise<{ body: Buffer; truncated: boolean }> {
  const chunks: Buffer[] = [];
  let kept = 0;
  let truncated = false;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, most - kept);
    truncated ||= part.length < chunk.length;
    if (part.length > 0) chunks.push(part);
    kept += part.length;
  }
  return { body: Buffer.concat(chunks), truncated };
}

function valueOf(headers: RawHeaders, lower: string): string | undefined {
  for (let at = 0; at + 1 < headers.length; at += 2) if (headers[at]?.toLowerCase() === lower) return headers[at + 1];
  return undefined;
}
