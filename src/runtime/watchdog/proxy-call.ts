/**
 * One call of a program that serves HTTP: the request goes on to it, its reply comes back as it comes.
 *
 * 1. No more than the caller's window of a request waits here, and no more of a reply than the caller takes.
 * 2. A request that only reads, sent on a used connection and without a byte of an answer, is sent once more, on a new one:
 *    the server closed the connection at that moment. One that may change something may have done so, and is not.
 * 3. The call is over when its reply is whole, or its connection given up.
 */
import type { RequestHead } from '../../frame/head-text.ts';
import type { Call, Caller } from './call.ts';
import { formatUpstreamHead } from './upstream-head.ts';
import type { Exchange, UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamPool } from './upstream-pool.ts';

export interface ProxyCallParts {
  readonly pool: UpstreamPool;
  readonly head: RequestHead;
  readonly caller: Caller;
  readonly onOver: () => void;
  /** Hears why the program's answer could not be had. */
  readonly onError: (error: Error) => void;
}

const noBytes = Buffer.alloc(0);

export class ProxyCall implements Call, Exchange {
  readonly #parts: ProxyCallParts;
  readonly #hasBody: boolean;
  readonly #startedMs = performance.now();
  #connection: UpstreamConnection | undefined;
  #isRequestSent: boolean;
  #unconsumed = 0;
  #answer: 'none' | 'head' | 'whole' = 'none';
  #over = false;

  constructor(parts: ProxyCallParts, hasBody: boolean) {
    this.#parts = parts;
    this.#hasBody = hasBody;
    this.#isRequestSent = !hasBody;
  }

  start(): void {
    this.#send(false);
  }

  data(bytes: Buffer, end: boolean): void {
    const { caller } = this.#parts;
    const connection = this.#connection;
    if (connection === undefined || this.#isRequestSent) return caller.consumed(bytes.length);
    const isWritable = this.#write(connection, bytes, end);
    this.#isRequestSent = end;
    if (isWritable) caller.consumed(bytes.length);
    else this.#unconsumed += bytes.length;
  }

  stopped(): void {
    if (this.#over) return;
    this.#parts.caller.fail('canceled', 'the call was ended');
    this.#finish(false);
  }

  replyHead(status: number, length: number | undefined, fields: readonly string[]): void {
    const { head, caller } = this.#parts;
    const seconds = ((performance.now() - this.#startedMs) / 1000).toFixed(6);
    const isWhole = head.method === 'HEAD' || status === 204 || status === 304 || length === 0;
    this.#answer = isWhole ? 'whole' : 'head';
    if (!caller.head(status, length, [...fields, 'X-Duration-Seconds', seconds], isWhole)) this.#finish(false);
  }

  replyData(bytes: Buffer, last: boolean): void {
    if (this.#over) return;
    if (last) this.#answer = 'whole';
    if (this.#parts.caller.data(bytes, last) || last) return;
    const connection = this.#connection;
    connection?.pause();
    this.#parts.caller.onWritable = () => connection?.resume();
  }

  replyEnd(reusable: boolean): void {
    if (this.#over) return;
    if (this.#answer === 'head') this.#parts.caller.data(noBytes, true);
    this.#finish(reusable && this.#isRequestSent);
  }

  failed(error: Error): void {
    if (this.#over) return;
    if (this.#mayRepeat()) return this.#send(true);
    this.#parts.onError(error);
    const { caller } = this.#parts;
    if (this.#answer === 'none') this.#apologise(caller);
    else caller.fail('failed', `the program's answer broke off: ${error.message}`);
    this.#finish(false);
  }

  drained(): void {
    const bytes = this.#unconsumed;
    this.#unconsumed = 0;
    if (bytes > 0) this.#parts.caller.consumed(bytes);
  }

  #send(fresh: boolean): void {
    const { pool, head } = this.#parts;
    const connection = pool.take(fresh);
    this.#connection = connection;
    connection.begin(head.method, formatUpstreamHead(head, this.#hasBody), this);
  }

  #mayRepeat(): boolean {
    const { head } = this.#parts;
    return (
      this.#answer === 'none' && !this.#hasBody && this.#connection?.wasUsed === true && safeMethods.has(head.method)
    );
  }

  #write(connection: UpstreamConnection, bytes: Buffer, end: boolean): boolean {
    if (this.#parts.head.contentLength !== undefined) return bytes.length === 0 || connection.write(bytes);
    if (bytes.length > 0) {
      connection.cork();
      connection.write(`${bytes.length.toString(16)}\r\n`);
      connection.write(bytes);
    }
    const isWritable = connection.write(`${bytes.length > 0 ? '\r\n' : ''}${end ? '0\r\n\r\n' : ''}`);
    if (bytes.length > 0) connection.uncork();
    return isWritable;
  }

  #apologise(caller: Caller): void {
    const seconds = ((performance.now() - this.#startedMs) / 1000).toFixed(6);
    const text = Buffer.from('the program did not answer: see the log\n');
    const fields = ['Content-Type', 'text/plain; charset=utf-8', 'X-Duration-Seconds', seconds, ...byWatchdog];
    const isBodyless = this.#parts.head.method === 'HEAD';
    if (caller.head(500, text.length, fields, isBodyless) && !isBodyless) caller.data(text, true);
  }

  #finish(reusable: boolean): void {
    this.#over = true;
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) {
      if (reusable) this.#parts.pool.give(connection);
      else connection.destroy();
    }
    this.#parts.onOver();
  }
}

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Tells whose the answer is: the watchdog's, not the function's. */
const byWatchdog = ['X-OpenFaaS-Internal', 'of-watchdog'];
