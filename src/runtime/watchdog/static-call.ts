import { close, read } from 'node:fs';
import type { RequestHead } from '../../frame/head-text.ts';
import type { Call, Caller } from './call.ts';
import type { StaticReply } from './static-reply.ts';

const pieceBytes = 64 * 1024;
const reasons: Readonly<Record<number, string>> = {
  301: 'moved\n',
  400: 'the path cannot be read\n',
  404: 'there is no such file\n',
  405: 'only GET and HEAD are answered\n',
};

/** One file on its way to a caller, read as the caller takes it. */
export class StaticCall implements Call {
  readonly #head: RequestHead;
  readonly #caller: Caller;
  readonly #onOver: () => void;
  #fd: number | undefined;
  #isReading = false;
  #over = false;

  constructor(head: RequestHead, caller: Caller, onOver: () => void) {
    this.#head = head;
    this.#caller = caller;
    this.#onOver = onOver;
  }

  /** Answers with a line of text. */
  say(status: number, fields: readonly string[]): void {
    const body = Buffer.from(reasons[status] ?? '');
    const all = ['Content-Type', 'text/plain; charset=utf-8', ...fields];
    const isBodyless = this.#head.method === 'HEAD';
    if (this.#caller.head(status, body.length, all, isBodyless) && !isBodyless) this.#caller.data(body, true);
    this.#finish();
  }

  /** Answers with a file, which is closed in the end. */
  send(reply: StaticReply, fd: number): void {
    this.#fd = fd;
    const length = reply.end - reply.start;
    const bare = reply.bare || length === 0;
    const told = reply.status === 304 ? undefined : length;
    if (!this.#caller.head(reply.status, told, reply.fields, bare) || bare) this.#finish();
    else this.#copy(reply.start, reply.end);
  }

  /** Nothing of a request's body is of use here. */
  data(bytes: Buffer): void {
    this.#caller.consumed(bytes.length);
  }

  stopped(): void {
    if (this.#over) return;
    this.#caller.fail('canceled', 'the call was ended');
    this.#finish();
  }

  #copy(from: number, end: number): void {
    const fd = this.#fd;
    if (fd === undefined || this.#over) return;
    this.#isReading = true;
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, end - from));
    read(fd, piece, 0, piece.length, from, (error, bytes) => {
      this.#isReading = false;
      if (this.#over) return this.#close();
      if (error !== null || bytes === 0) {
        this.#caller.fail('failed', 'the file became shorter while it was sent');
        return this.#finish();
      }
      const at = from + bytes;
      const isLast = at >= end;
      const goOn = this.#caller.data(piece.subarray(0, bytes), isLast);
      if (isLast) this.#finish();
      else if (goOn) this.#copy(at, end);
      else this.#caller.onWritable = () => this.#copy(at, end);
    });
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#isReading) this.#close();
    this.#onOver();
  }

  #close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) close(fd, () => undefined);
  }
}
