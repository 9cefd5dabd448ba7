import { Readable } from 'node:stream';
import { formatRequestHead, parseTrailers } from '../../../frame/head-text.ts';
import { frameType } from '../../../frame/messages.ts';
import type { FrameStream, StreamListener } from '../../../frame/stream.ts';
import type { CancelSignal } from '../../../model/cancel.ts';
import { TinderboxError } from '../../../model/errors.ts';
import type { Invocation, RawHeaders } from '../../../model/invocation.ts';
import { refusedError, unsentError } from '../unsent.ts';
import type { Sent } from '../transport.ts';
import type { FrameLink } from './link.ts';
import { ReplyBody } from './reply-body.ts';
import { type CleanHead, cleanFields, cleanReplyHead } from './reply-head.ts';
import { RequestBodySender } from './request-body.ts';

/** A reply of known length up to this is waited for and becomes one Buffer; well below a stream's window. */
const bufferedBytes = 32 * 1024;
/** Errors of a runtime that did not begin the call. */
const refusals: ReadonlySet<string> = new Set(['draining', 'overloaded', 'not-ready']);
const noBytes = Buffer.alloc(0);
const noTrailers: RawHeaders = [];

interface Settle {
  resolve(sent: Sent): void;
  reject(error: TinderboxError): void;
}

/**
 * `waiting` for the head, `collecting` a body that may be complete in a moment, `streaming` it, `refused` (cancelled by
 * us, waiting for the instance's confirmation), `over`.
 */
type State = 'waiting' | 'collecting' | 'streaming' | 'refused' | 'over';

/**
 * One call of one instance.
 *
 * Invariants
 * 1. `send` settles once: with the head, or, when the call failed or was aborted, when the instance is done with it.
 * 2. `done` resolves when the instance ended the stream or its connection is gone.
 * 3. A body is never longer or shorter than the length its head told.
 */
export class FrameCall implements StreamListener {
  readonly #call: Invocation;
  readonly #signal: CancelSignal | undefined;
  readonly #settle: Settle;
  #link: FrameLink | undefined;
  #stream: FrameStream | undefined;
  #flushes = 0;
  #state: State = 'waiting';
  #sender: RequestBodySender | undefined;
  #reply: CleanHead | undefined;
  /** Bytes the body must still bring; undefined: it ends where it ends. */
  #missing: number | undefined;
  #collected: Buffer[] | undefined;
  #trailers: RawHeaders = noTrailers;
  #body: ReplyBody | undefined;
  #done: (() => void) | undefined;
  /** Why it was refused; told when the instance confirmed. */
  #refusal: TinderboxError | undefined;

  constructor(call: Invocation, signal: CancelSignal | undefined, settle: Settle) {
    this.#call = call;
    this.#signal = signal;
    this.#settle = settle;
  }

  /** Sends the request. */
  start(link: FrameLink, remainingMs: number): void {
    const { body, contentLength } = this.#call;
    const length = body instanceof Readable ? contentLength : (body?.length ?? 0);
    const hasBody = body !== undefined && (body instanceof Readable || body.length > 0);
    this.#link = link;
    this.#flushes = link.flushes;
    this.#stream = this.#open(link, remainingMs, length, !hasBody);
    if (this.#stream === undefined) return;
    this.#signal?.addEventListener('abort', this, { once: true });
    if (body instanceof Readable) link.whenConnected(() => this.#sendBody(body));
    else if (hasBody) this.#stream.data(body, true);
  }

  /** Nothing is taken from the caller before there is a connection: what was taken cannot be sent elsewhere. */
  #sendBody(body: Readable): void {
    if (this.#state === 'over' || this.#state === 'refused') return;
    const broke = (cause: Error | undefined): void => this.#bodyBroke(cause);
    this.#sender = new RequestBodySender(body, this.#stream as FrameStream, this.#call.trailers, broke);
  }

  head(text: string, end: boolean): void {
    if (this.#state === 'refused') return this.#endRefused(end);
    try {
      this.#reply = cleanReplyHead(text);
    } catch (error) {
      return this.#refuse(TinderboxError.from(error), end);
    }
    const { contentLength, status } = this.#reply;
    if (end) return this.#endWithoutBody(this.#reply);
    this.#missing = this.#isBodyless(status) ? 0 : contentLength;
    this.#state = 'collecting';
    if (contentLength === undefined) setImmediate(() => this.#decideKind());
    else if (contentLength > bufferedBytes) this.#streamOn();
  }

  data(bytes: Buffer, end: boolean): void {
    if (this.#state === 'refused') return this.#endRefused(end);
    if (this.#missing !== undefined) {
      this.#missing -= bytes.length;
      if (this.#missing < 0 || (end && this.#missing > 0)) return this.#wrongLength(end);
    }
    if (this.#state === 'collecting') {
      if (end && this.#collected === undefined) return this.#endBuffered(bytes);
      (this.#collected ??= []).push(bytes);
      if (end) this.#endBuffered(Buffer.concat(this.#collected));
      return;
    }
    this.#body?.arrived(bytes);
    if (end) this.#endStreamed();
  }

  trailers(text: string): void {
    if (this.#state === 'refused') return this.#endRefused(true);
    try {
      this.#trailers = cleanFields(parseTrailers(text));
    } catch (error) {
      return this.#refuse(new TinderboxError('bad-reply', (error as Error).message, { cause: error }), true);
    }
    if (this.#missing !== undefined && this.#missing > 0) return this.#wrongLength(true);
    if (this.#state === 'collecting') this.#endBuffered(Buffer.concat(this.#collected ?? []));
    else this.#endStreamed();
  }

  stopped(code: string, message: string): void {
    const error = this.#refusal ?? this.#errorFrom(code, message);
    const state = this.#state;
    const body = this.#body;
    this.#over();
    if (state === 'streaming') body?.destroy(error);
    else if (body === undefined) this.#settle.reject(error);
  }

  /** Undefined: the head cannot be sent, and the caller knows. */
  #open(link: FrameLink, remainingMs: number, length: number | undefined, end: boolean): FrameStream | undefined {
    const { method, target, id, headers } = this.#call;
    try {
      const head = { method, target, callId: id, remainingMs, contentLength: length, fields: headers };
      return link.open(formatRequestHead(head), end, this);
    } catch (error) {
      this.#settle.reject(new TinderboxError('invalid', `the request is not valid: ${(error as Error).message}`));
      return undefined;
    }
  }

  /** A tick after a head without a length: what is not complete by now is a stream. */
  #decideKind(): void {
    if (this.#state === 'collecting') this.#streamOn();
  }

  #streamOn(): void {
    const reply = this.#reply as CleanHead;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#done = resolve;
    this.#state = 'streaming';
    const body = new ReplyBody({
      consumed: (bytes) => this.#stream?.consumed(bytes),
      abandoned: () => this.#refuse(new TinderboxError('canceled', 'the reply was not read to its end'), false),
    });
    this.#body = body;
    for (const bytes of this.#collected ?? []) body.arrived(bytes);
    this.#collected = undefined;
    const { status, headers, contentLength } = reply;
    const trailers = (): RawHeaders => this.#trailers;
    this.#settle.resolve({
      reply: { kind: 'streaming', status, headers, origin: 'function', body, contentLength, trailers },
      done: promise,
    });
  }

  #endStreamed(): void {
    const body = this.#body;
    this.#over();
    body?.complete();
  }

  #endWithoutBody(reply: CleanHead): void {
    const { contentLength } = reply;
    if (contentLength === undefined || contentLength === 0) return this.#endBuffered(noBytes);
    if (!this.#isBodyless(reply.status)) return this.#wrongLength(true);
    // The one place where the length of a body that is not sent has to reach the client.
    this.#reply = { ...reply, headers: [...reply.headers, 'content-length', String(contentLength)] };
    this.#endBuffered(noBytes);
  }

  #isBodyless(status: number): boolean {
    return this.#call.method === 'HEAD' || status === 204 || status === 304;
  }

  #endBuffered(body: Buffer): void {
    const { status, headers } = this.#reply as CleanHead;
    const trailers = this.#trailers;
    this.#over();
    this.#settle.resolve({
      reply: { kind: 'buffered', status, headers, origin: 'function', body, trailers },
      done: undefined,
    });
  }

  #wrongLength(end: boolean): void {
    const told = this.#reply?.contentLength ?? 0;
    const error = new TinderboxError('bad-reply', `the function told a body of ${told} bytes and sent another length`);
    this.#refuse(error, end);
  }

  /** The caller gave it up (listener of its signal: an object needs no closure). */
  handleEvent(): void {
    this.#refuse(TinderboxError.from(this.#signal?.reason), false);
  }

  #bodyBroke(cause: Error | undefined): void {
    const left = new TinderboxError('canceled', 'the caller went away before its body was complete', { cause });
    this.#refuse(cause instanceof TinderboxError ? cause : left, false);
  }

  /** Gives the call up: at once when the instance has `ended` it, else when it confirms the cancel. */
  #refuse(error: TinderboxError, ended: boolean): void {
    if (this.#state === 'over' || this.#state === 'refused') return;
    const body = this.#body;
    this.#refusal = error;
    this.#state = 'refused';
    this.#sender?.stop();
    this.#collected = undefined;
    if (!ended) this.#stream?.stop(frameType.cancel, '');
    body?.destroy(error);
    this.#endRefused(ended);
  }

  #endRefused(end: boolean): void {
    if (!end) return;
    const error = this.#refusal as TinderboxError;
    const settled = this.#body !== undefined;
    this.#over();
    if (!settled) this.#settle.reject(error);
  }

  #over(): void {
    this.#state = 'over';
    this.#signal?.removeEventListener('abort', this);
    this.#sender?.stop();
    this.#link?.released();
    this.#done?.();
  }

  #errorFrom(code: string, message: string): TinderboxError {
    const text = message.slice(0, 1000);
    if (code === 'lost') {
      if (this.#link?.wasSent(this.#flushes) === true) {
        return new TinderboxError('lost', 'the connection to the instance was lost before the answer was complete');
      }
      return unsentError('the instance cannot be reached', text);
    }
    // These say that the call was not begun; after a head that is no longer true.
    if (this.#reply === undefined && refusals.has(code))
      return refusedError(`the instance refused the call: ${text || code}`);
    if (code === 'failed') return new TinderboxError('lost', `the function broke off its answer: ${text}`);
    return new TinderboxError('bad-reply', text === '' ? `the runtime failed: ${code.slice(0, 60)}` : text);
  }
}
