/**
 * One HTTP request on its way through a mode.
 *
 * 1. It is answered once: by the function, or, when its time is up first, by the watchdog. An answer that had begun by
 *    then is broken off, so that nobody takes a part of it for the whole.
 * 2. No more than `windowBytes` of a request wait here.
 * 3. `onAnswered` is called once, when the answer is sent or its reader gone; `onOver` once, when nothing of the call is
 *    left in the mode. Either may be first.
 */
import type { RosterItem } from '../../../model/roster.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Call, Caller, CallFailure, Mode } from '../call.ts';
import type { ReadRequest } from './http-request.ts';

const windowBytes = 64 * 1024;
const smallBytes = 4096;
const noBytes = Buffer.alloc(0);
/** Fields of an answer in words. */
export const plainText = ['Content-Type', 'text/plain; charset=utf-8'];

/** An answer of the watchdog itself. */
export interface OwnAnswer {
  readonly status: number;
  readonly text: string;
  readonly fields: readonly string[];
}

export interface HttpCallOptions {
  /** Longest the call may take; 0: no limit. */
  readonly timeoutMs: number;
  /** What is answered when it took longer. */
  readonly late: (timeoutMs: number) => OwnAnswer;
  /** Whether the connection is closed after the answer. */
  readonly closes: () => boolean;
  readonly onHead?: (status: number, fields: readonly string[]) => void;
  readonly onOutput?: (bytes: Buffer) => void;
  readonly onAnswered: (call: HttpCall) => void;
  readonly onOver: () => void;
}

export class HttpCall implements Caller, RosterItem {
  place = -1;
  onWritable: (() => void) | undefined;
  /** 499 while nothing was answered. */
  status = 499;
  bytesSent = 0;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #options: HttpCallOptions;
  #call: Call | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unconsumed = 0;
  #sentHead = false;
  #sentBody = false;
  #isDone = false;

  constructor(request: IncomingMessage, response: ServerResponse, options: HttpCallOptions) {
    this.#request = request;
    this.#response = response;
    this.#options = options;
  }

  start(mode: Mode, { head, hasBody }: ReadRequest): void {
    const { timeoutMs, onOver } = this.#options;
    this.#watch();
    if (timeoutMs > 0) this.#timer = setTimeout(() => this.#timeOut(), timeoutMs);
    this.#call = mode.open(head, hasBody, this, onOver);
    if (hasBody) this.#passBody(this.#call);
  }

  /** Answers without asking the function. */
  refuse(answer: OwnAnswer): void {
    this.#watch();
    this.#answer(answer);
  }

  head(status: number, length: number | undefined, fields: readonly string[], end: boolean): boolean {
    if (this.#isDone) return true;
    const all = length === undefined ? [...fields] : [...fields, 'Content-Length', String(length)];
    if (this.#options.closes()) all.push('Connection', 'close');
    try {
      this.#response.writeHead(status, all);
    } catch (error) {
      this.fail('bad-reply', (error as Error).message);
      return false;
    }
    this.#sentHead = true;
    this.status = status;
    this.#options.onHead?.(status, all);
    if (end) this.#end(noBytes);
    // A head whose body takes its time must not wait for it.
    else process.nextTick(() => (this.#sentBody || this.#isDone ? undefined : this.#response.flushHeaders()));
    return true;
  }

  data(bytes: Buffer, end: boolean): boolean {
    if (this.#isDone) return true;
    this.#sentBody = true;
    this.bytesSent += bytes.length;
    this.#options.onOutput?.(bytes);
    if (end) {
      this.#end(bytes);
      return true;
    }
    if (this.#response.write(bytes)) return true;
    this.#response.once('drain', () => {
      const writable = this.onWritable;
      this.onWritable = undefined;
      writable?.();
    });
    return false;
  }

  consumed(bytes: number): void {
    this.#unconsumed = Math.max(0, this.#unconsumed - bytes);
    if (this.#unconsumed < windowBytes && this.#request.isPaused()) this.#request.resume();
  }

  fail(code: CallFailure, message: string): void {
    if (this.#isDone) return;
    if (code === 'bad-reply' && !this.#sentHead) this.#answer({ status: 500, text: `${message}\n`, fields: plainText });
    else this.#breakOff();
  }

  /** Answers in the watchdog's own words. */
  #answer({ status, text, fields }: OwnAnswer): void {
    const body = Buffer.from(text);
    const isBare = body.length === 0 || this.#request.method === 'HEAD';
    if (this.head(status, body.length, fields, isBare) && !isBare) {
      this.data(body, true);
    }
  }

  /** Gives the call up: the watchdog ends before it did. */
  abandon(): void {
    if (!this.#isDone) this.#breakOff();
    this.#call?.stopped();
  }

  #watch(): void {
    this.#response.on('close', () => this.#closed());
    this.#response.on('error', () => undefined);
  }

  #passBody(call: Call): void {
    const request = this.#request;
    request.on('data', (bytes: Buffer) => {
      if (this.#isDone) return;
      this.#unconsumed += bytes.length;
      if (this.#unconsumed >= windowBytes) request.pause();
      call.data(bytes, false);
    });
    request.on('end', () => (this.#isDone ? undefined : call.data(noBytes, true)));
    request.on('error', () => undefined);
  }

  #end(bytes: Buffer): void {
    this.#isDone = true;
    clearTimeout(this.#timer);
    if (bytes.length === 0) this.#response.end();
    // As text it goes out in one write with the head, without being copied into a list of buffers first.
    else if (bytes.length <= smallBytes) this.#response.end(bytes.toString('latin1'), 'latin1');
    else this.#response.end(bytes);
    // What is left of the request has no reader any more.
    if (!this.#request.complete) this.#request.resume();
  }

  #breakOff(): void {
    this.#isDone = true;
    clearTimeout(this.#timer);
    this.#response.destroy();
  }

  #timeOut(): void {
    const { late, timeoutMs } = this.#options;
    if (this.#sentHead) this.#breakOff();
    else this.#answer(late(timeoutMs));
    this.#call?.stopped();
  }

  #closed(): void {
    const isGone = !this.#isDone;
    this.#isDone = true;
    clearTimeout(this.#timer);
    if (isGone) this.#call?.stopped();
    this.#options.onAnswered(this);
  }
}
