import type { HeadText } from './head-text.ts';
import { frameLimits, frameType } from './messages.ts';
import { FrameViolation } from './violation.ts';

/** What arrives on a stream. Called synchronously while the connection is read. */
export interface StreamListener {
  /** The reply head; only on the side that opened the stream. */
  head(text: string, end: boolean): void;
  data(bytes: Buffer, end: boolean): void;
  /** The last thing from the peer. */
  trailers(text: string): void;
  /** The peer failed or cancelled the stream (`code` of the error frame, or `canceled`), or the connection is `lost`. */
  stopped(code: string, message: string): void;
}

/** What a stream needs of its connection. */
export interface StreamPort {
  /** Bytes of data that may be sent now, over all streams. */
  room(): number;
  /** Throws FrameViolation, and sends nothing, when the head cannot be sent. */
  sendHead(stream: FrameStream, head: HeadText, end: boolean): void;
  /** Trailers, error or cancel: what ends a side. */
  sendText(type: number, end: boolean, stream: FrameStream, text: string): void;
  sendData(stream: FrameStream, bytes: Buffer, start: number, end: number, last: boolean): void;
  sendWindow(stream: FrameStream, bytes: number): void;
  /** The stream has data for the next rounds. */
  wait(stream: FrameStream): void;
}

/** Whether a stream wants another turn in this round of sending. */
export type Turn = 'more' | 'blocked' | 'empty';

/** One stream, seen from either side: what it may send, what it may receive, what waits to be sent. */
export class FrameStream {
  readonly id: number;
  /** For {@link StreamTable}. */
  nextInBucket: FrameStream | undefined = undefined;
  /** Called once, when all that waited was sent and more may follow. */
  onWritable: (() => void) | undefined;
  readonly listener: StreamListener;
  readonly #port: StreamPort;
  #sendWindow: number = frameLimits.streamWindow;
  #receiveWindow: number = frameLimits.streamWindow;
  #consumed = 0;
  #queue: Buffer[] | undefined;
  #offset = 0;
  #queuedEnd: 'none' | 'data' | 'trailers' = 'none';
  #queuedTrailers = '';
  #sentEnd = false;
  #receivedHead = false;
  #receivedEnd = false;

  constructor(id: number, port: StreamPort, listen: (stream: FrameStream) => StreamListener) {
    this.id = id;
    this.#port = port;
    this.listener = listen(this);
  }

  get receivedEnd(): boolean {
    return this.#receivedEnd;
  }

  /** Whether all of this side was given, and some of it still waits to be sent. */
  get isEnding(): boolean {
    return this.#queuedEnd !== 'none';
  }

  /** Sends the head. Throws FrameViolation, and sends nothing, when it has what the wire does not carry. */
  head(head: HeadText, end: boolean): void {
    if (this.#sentEnd) return;
    this.#port.sendHead(this, head, end);
    if (end) this.#sentEnd = true;
  }

  /**
   * Sends body bytes, at once when the windows allow, else in turn. False: wait for `onWritable` before sending more.
   * The bytes must not change afterwards.
   */
  data(bytes: Buffer, end: boolean): boolean {
    if (this.#sentEnd || this.#queuedEnd !== 'none') return true;
    if (bytes.length === 0 && !end) return true;
    if (this.#queue === undefined && this.#fits(bytes.length)) {
      this.#sendWindow -= bytes.length;
      if (end) this.#sentEnd = true;
      this.#port.sendData(this, bytes, 0, bytes.length, end);
      return true;
    }
    (this.#queue ??= []).push(bytes);
    if (end) this.#queuedEnd = 'data';
    this.#port.wait(this);
    return false;
  }

  /** Sends trailers after all data; nothing may follow. */
  trailers(text: string): void {
    if (this.#sentEnd || this.#queuedEnd !== 'none') return;
    if (this.#queue !== undefined) {
      this.#queuedEnd = 'trailers';
      this.#queuedTrailers = text;
      return;
    }
    this.#sentEnd = true;
    this.#port.sendText(frameType.trailers, true, this, text);
  }

  /** Ends this side without further ado; `type` is error (runtime) or cancel (router). What waited is dropped. */
  stop(type: typeof frameType.error | typeof frameType.cancel, text: string): void {
    this.drop();
    this.#port.sendText(type, false, this, text);
  }

  /** Tells the peer that received bytes were used up, so that it may send as many more. */
  consumed(bytes: number): void {
    this.#consumed += bytes;
    if (this.#receivedEnd || this.#consumed < frameLimits.streamWindow / 2) return;
    this.#receiveWindow += this.#consumed;
    this.#port.sendWindow(this, this.#consumed);
    this.#consumed = 0;
  }

  /** For the connection: drops what waits; no more data is sent. */
  drop(): void {
    this.#queue = undefined;
    this.#offset = 0;
    this.#queuedEnd = 'none';
    this.#sentEnd = true;
    this.onWritable = undefined;
  }

  /** For the connection: judges an arriving head. */
  receiveHead(end: boolean): void {
    if (this.#receivedHead) throw new FrameViolation('state', `a second head on stream ${this.id}`);
    this.#receivedHead = true;
    this.#receivedEnd = end;
  }

  /** For the connection: judges arriving data. */
  receiveData(bytes: number, end: boolean): void {
    this.#assertBody();
    this.#receiveWindow -= bytes;
    if (this.#receiveWindow < 0) {
      throw new FrameViolation('window', `stream ${this.id} sent ${-this.#receiveWindow} bytes more than allowed`);
    }
    this.#receivedEnd = end;
  }

  /** For the connection: judges arriving trailers. */
  receiveTrailers(): void {
    this.#assertBody();
    this.#receivedEnd = true;
  }

  /** For the connection: the peer allows `bytes` more. */
  grant(bytes: number): void {
    this.#sendWindow += bytes;
    if (bytes === 0 || this.#sendWindow > frameLimits.streamWindow) {
      throw new FrameViolation('window', `stream ${this.id} was granted ${bytes} bytes that were not in use`);
    }
    if (this.#queue !== undefined) this.#port.wait(this);
  }

  /** For the connection: sends at most one data frame of what waits. */
  takeTurn(): Turn {
    const first = this.#queue?.[0];
    if (this.#queue === undefined || first === undefined) return 'empty';
    const left = first.length - this.#offset;
    const size = Math.min(left, frameLimits.dataBytes, this.#sendWindow, this.#port.room());
    if (size === 0 && left > 0) return 'blocked';
    const start = this.#offset;
    const lastOne = size === left && this.#queue.length === 1;
    const end = lastOne && this.#queuedEnd === 'data';
    this.#sendWindow -= size;
    this.#offset += size;
    if (size === left) {
      this.#queue.shift();
      this.#offset = 0;
    }
    if (end) this.#sentEnd = true;
    if (lastOne) this.#queue = undefined;
    this.#port.sendData(this, first, start, start + size, end);
    if (!lastOne) return 'more';
    this.#emptied();
    return 'empty';
  }

  #emptied(): void {
    if (this.#queuedEnd === 'trailers') {
      this.#queuedEnd = 'none';
      this.trailers(this.#queuedTrailers);
      return;
    }
    const writable = this.onWritable;
    this.onWritable = undefined;
    writable?.();
  }

  #fits(bytes: number): boolean {
    return bytes <= frameLimits.dataBytes && bytes <= this.#sendWindow && bytes <= this.#port.room();
  }

  #assertBody(): void {
    if (!this.#receivedHead) throw new FrameViolation('state', `data before the head on stream ${this.id}`);
    if (this.#receivedEnd) throw new FrameViolation('state', `data after END on stream ${this.id}`);
  }
}
