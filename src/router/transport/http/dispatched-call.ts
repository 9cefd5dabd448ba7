import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { CancelSignal } from '../../../model/cancel.ts';
import type { Invocation, RawHeaders, Reply } from '../../../model/invocation.ts';
import type { Sent } from '../transport.ts';
import { transportError } from './errors.ts';
import { replyHasBody, replyHeaders } from './reply-head.ts';

/** Bodies of an announced length up to this are collected into one Buffer. */
const bufferedBytes = 64 * 1024;

export interface Settle {
  resolve(sent: Sent): void;
  reject(error: unknown): void;
  /** The call is over on its connection. */
  ended(): void;
}

/**
 * One call on an undici client: the handler of its dispatch, and the listener of its cancellation. A small body of known
 * length becomes one Buffer; any other is pulled, and the instance's socket is paused while nobody pulls.
 */
export class DispatchedCall implements Dispatcher.DispatchHandler {
  readonly #call: Invocation;
  readonly #signal: CancelSignal | undefined;
  readonly #settle: Settle;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: RawHeaders = [];
  #contentLength: number | undefined;
  #chunks: Buffer[] = [];
  #body: Readable | undefined;
  #trailers: RawHeaders = [];
  #ended = false;
  #done: (() => void) | undefined;

  constructor(call: Invocation, signal: CancelSignal | undefined, settle: Settle) {
    this.#call = call;
    this.#signal = signal;
    this.#settle = settle;
    signal?.addEventListener('abort', this);
  }

  /** The caller cancels. */
  handleEvent(): void {
    const reason = this.#signal?.reason as Error;
    if (this.#controller !== undefined) this.#controller.abort(reason);
    else this.#end(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#ended) controller.abort(this.#signal?.reason as Error);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, parsed: IncomingHttpHeaders): void {
    // Interim answers (103 Early Hints) end at this hop.
    if (status < 200) return;
    const hasBody = replyHasBody(this.#call.method, status);
    const { headers, contentLength } = replyHeaders(rawFrom(parsed), hasBody);
    this.#status = status;
    this.#headers = headers;
    this.#contentLength = contentLength;
    if (contentLength === undefined || contentLength > bufferedBytes) this.#stream(controller);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#body === undefined) this.#chunks.push(chunk);
    else if (!this.#body.push(chunk)) controller.pause();
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#ended) return;
    this.#trailers = rawFrom(trailers);
    const body = this.#body;
    this.#finish();
    if (body === undefined) this.#settle.resolve({ reply: this.#buffered(), done: undefined });
    else body.push(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(error);
  }

  #end(reason: unknown): void {
    if (this.#ended) return;
    const error = transportError(reason, this.#controller !== undefined);
    const body = this.#body;
    this.#finish();
    if (body === undefined) this.#settle.reject(error);
    else body.destroy(error);
  }

  #finish(): void {
    this.#ended = true;
    this.#signal?.removeEventListener('abort', this);
    this.#settle.ended();
    this.#done?.();
  }

  #buffered(): Reply {
    const chunks = this.#chunks;
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    return {
      kind: 'buffered',
      status: this.#status,
      headers: this.#headers,
      origin: 'function',
      body,
      trailers: this.#trailers,
    };
  }

  #stream(controller: Dispatcher.DispatchController): void {
    const body = new Readable({
      highWaterMark: bufferedBytes,
      read: () => controller.resume(),
      destroy: (error, done) => {
        if (!this.#ended) controller.abort(error ?? new Error('nobody reads the answer any more'));
        done(error);
      },
    });
    // Whoever gets it may come too late for the event and looks at `errored` then.
    body.on('error', () => {});
    this.#body = body;
    const done = new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    const reply: Reply = {
      kind: 'streaming',
      status: this.#status,
      headers: this.#headers,
      origin: 'function',
      body,
      contentLength: this.#contentLength,
      trailers: () => this.#trailers,
    };
    this.#settle.resolve({ reply, done });
  }
}

/** Undici decodes headers before it hands them on, so taking its object costs nothing more; names are lower-case. */
function rawFrom(parsed: IncomingHttpHeaders): string[] {
  const raw: string[] = [];
  for (const name of Object.keys(parsed)) {
    const value = parsed[name];
    if (typeof value === 'string') raw.push(name, value);
    else for (const one of value ?? []) raw.push(name, one);
  }
  return raw;
}
