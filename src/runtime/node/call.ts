import type { AsyncLocalStorage } from 'node:async_hooks';
import { formatReplyHead, type RequestHead } from '../../frame/head-text.ts';
import { frameType } from '../../frame/messages.ts';
import type { FrameStream, StreamListener } from '../../frame/stream.ts';
import { RequestBody } from './request-body.ts';

/** What a reply is made of besides its body: name, value, name, value, … */
export type ReplyFields = readonly string[];

const noBytes = Buffer.alloc(0);

/**
 * One call from its head until it is `over`: its handler has settled and the answer, or the confirmation of a cancel, is
 * on its way.
 */
export class Call implements StreamListener {
  readonly request: RequestHead;
  /** Unix time in milliseconds; undefined: none. */
  readonly deadline: number | undefined;
  readonly body: RequestBody;
  /** Called once when nobody waits for the answer any more. */
  onStopped: (() => void) | undefined;
  readonly #stream: FrameStream;
  readonly #calls: AsyncLocalStorage<Call>;
  readonly #onOver: () => void;
  #abort: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped: string | undefined;
  #resume: (() => void) | undefined;
  #over = false;

  constructor(head: RequestHead, stream: FrameStream, calls: AsyncLocalStorage<Call>, onOver: () => void) {
    this.request = head;
    this.deadline = head.remainingMs === 0 ? undefined : Date.now() + head.remainingMs;
    this.body = new RequestBody(stream, head.contentLength);
    this.#stream = stream;
    this.#calls = calls;
    this.#onOver = onOver;
  }

  /** Whether nobody waits for the answer any more. */
  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** Aborted when the call is cancelled, its deadline passes or its connection is lost. Made at first use. */
  get signal(): AbortSignal {
    if (this.#abort !== undefined) return this.#abort.signal;
    const abort = new AbortController();
    this.#abort = abort;
    if (this.#stopped !== undefined) abort.abort(stopReason(this.#stopped));
    else if (this.deadline !== undefined) {
      const expire = (): void => abort.abort(new DOMException('the deadline of the call passed', 'TimeoutError'));
      this.#timer = setTimeout(expire, this.deadline - Date.now()).unref();
    }
    return abort.signal;
  }

  /** Runs code of the function on behalf of this call: what it logs is marked with the call's id. */
  run(code: () => void): void {
    this.#calls.run(this, code);
  }

  /** Answers with a whole body. */
  reply(status: number, fields: ReplyFields, body: Buffer): void {
    const length = body.length;
    const bare = length === 0 || this.isBodyless(status);
    if (!this.sendHead(status, fields, length, bare)) return;
    if (!bare) this.#stream.data(body, true);
    this.finish();
  }

  /** Whether the answer to this call carries no body, whatever the handler gave. */
  isBodyless(status: number): boolean {
    return this.request.method === 'HEAD' || status === 204 || status === 304;
  }

  /** Sends the head of an answer; false: nobody waits, or it was not valid, and the call is over. */
  sendHead(status: number, fields: ReplyFields, length: number | undefined, end: boolean): boolean {
    if (this.#stopped !== undefined) {
      this.fail('canceled', this.#stopped);
      return false;
    }
    try {
      if (!Number.isInteger(status) || status < 200 || status > 599) {
        throw new RangeError(`status ${status}; 200 to 599 are allowed`);
      }
      this.#stream.head(formatReplyHead(status, length, fields), end);
      return true;
    } catch (error) {
      const text = `the function's answer is not valid: ${(error as Error).message}`;
      console.error(text);
      this.fail('bad-reply', text);
      return false;
    }
  }

  /** Sends body bytes after `sendHead`; resolves when more may follow. */
  async send(bytes: Buffer): Promise<void> {
    if (this.#stopped !== undefined || this.#stream.data(bytes, false)) return;
    await new Promise<void>((resolve) => {
      this.#stream.onWritable = resolve;
      this.#resume = resolve;
    });
  }

  /** Ends a streamed answer. */
  end(): void {
    if (this.#stopped !== undefined) return this.fail('canceled', this.#stopped);
    this.#stream.data(noBytes, true);
    this.finish();
  }

  /** Ends the call without an answer, or breaks off one that has begun; see `docs/frame-protocol.md` for the codes. */
  fail(code: string, message: string): void {
    this.#stream.stop(frameType.error, `${code}\n${latin1Line(message)}`);
    this.finish();
  }

  /** The handler has settled and nothing more will be sent. */
  finish(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#onOver();
  }

  /** Only replies have a second head. */
  head(): void {}

  data(bytes: Buffer, end: boolean): void {
    this.body.arrived(bytes, end);
  }

  /** Trailers of a request end its body; no handler shape has a place for them. */
  trailers(): void {
    this.body.arrived(noBytes, true);
  }

  stopped(code: string): void {
    if (this.#over || this.#stopped !== undefined) return;
    this.#stopped = code;
    this.#resume?.();
    this.onStopped?.();
    // Before the handler has begun there is nobody to wait for.
    if (!this.body.stop(stopReason(code))) this.fail('canceled', code);
    this.#abort?.abort(stopReason(code));
  }
}

function stopReason(code: string): Error {
  return new DOMException(code === 'lost' ? 'the connection was lost' : 'the call was cancelled', 'AbortError');
}

function latin1Line(text: string): string {
  return text.replace(/[^\t\x20-\x7e\xa0-\xff]/g, ' ').slice(0, 1000);
}
