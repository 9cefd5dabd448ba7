import type { Readable } from 'node:stream';
import type { CancelSignal } from './cancel.ts';
import type { FunctionKey } from './names.ts';

/** Header names lower-case or as received, alternating with values: `[name, value, name, value, …]`. */
export type RawHeaders = readonly string[];

/** A body: nothing, one Buffer (the hot path), or a stream that is pulled. */
export type Body = Buffer | Readable | undefined;

export type InvocationSource = 'http' | 'async' | 'event' | 'schedule' | 'workflow';

/** One call of a function. */
export interface Invocation {
  /** From edge to log line, metric, trace and record. */
  readonly id: string;
  readonly function: FunctionKey;
  readonly method: string;
  /** Path below the function with query, always starting with `/`. */
  readonly target: string;
  /** End-to-end headers only: hop-by-hop, Content-Length and platform credentials are gone. */
  readonly headers: RawHeaders;
  readonly body: Body;
  /** Length of a streamed body where the caller announced it. */
  readonly contentLength: number | undefined;
  /** Trailer fields of a streamed body, alternating, complete once `body` ended; absent when none were announced. */
  readonly trailers?: () => RawHeaders;
  readonly source: InvocationSource;
  /** When the platform took it, in ms of `performance.now()`. */
  readonly arrivedAtMs: number;
  /** Called when an instance gets it, and again when another one does because the first did not begin. */
  readonly onBegin?: () => void;
  /** Whether the caller asks for a protocol switch. */
  readonly upgrade: boolean;
}

/** Which component made a reply, printed as `X-OpenFaaS-Internal` when it was not the function. */
export type ReplyOrigin = 'function' | 'gateway' | 'router' | 'runtime' | 'watchdog';

interface ReplyHead {
  readonly status: number;
  readonly headers: RawHeaders;
  readonly origin: ReplyOrigin;
}

/** A whole answer in one Buffer. */
export interface BufferedReply extends ReplyHead {
  readonly kind: 'buffered';
  readonly body: Buffer;
  /** Trailer fields, alternating; empty when there are none. */
  readonly trailers: RawHeaders;
}

/** An answer that is pulled; destroying the stream cancels the call. */
export interface StreamingReply extends ReplyHead {
  readonly kind: 'streaming';
  readonly body: Readable;
  /** Known length of the body, kept for the client. */
  readonly contentLength: number | undefined;
  /** Trailer fields, complete once `body` ended. */
  readonly trailers: () => RawHeaders;
}

/** A switched protocol (WebSocket): bytes both ways until either side ends. */
export interface UpgradedReply extends ReplyHead {
  readonly kind: 'upgraded';
  readonly socket: import('node:stream').Duplex;
}

export type Reply = BufferedReply | StreamingReply | UpgradedReply;

/**
 * The one function type that joins the lines: gateway, queue, events and workflow receive it from the composition
 * root. Rejects with a TinderboxError; an answer of the function, whatever its status, resolves.
 */
export type Invoke = (call: Invocation, signal: CancelSignal) => Promise<Reply>;
