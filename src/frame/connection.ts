/**
 * One connection between router and runtime, seen from either end.
 *
 * Owns: the order of frames, stream numbers, both windows, ping, and taking turns between streams that send much.
 * Does not own: connecting, what a head means, when a call is over for its caller.
 *
 * Invariants
 * 1. Nothing is handed on before the peer's hello, and a peer that breaks a rule is disconnected before anything else
 *    of it is read.
 * 2. A stream exists from its request head until the runtime's END or error; after that the runtime may not name it
 *    again, and what the router still had on the way is ignored.
 * 3. At most `streamWindow` bytes of a stream wait here unconsumed, and at most `connectionWindow` bytes of all streams
 *    were sent but not read. The connection's window is given back when bytes are read, so one stalled stream never
 *    holds up the others.
 * 4. No data is added while the kernel has not taken what was written before.
 */
import type { Socket } from 'node:net';
import type { Side } from './frame-rules.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import type { HeadText } from './head-text.ts';
import { assertHello } from './hello.ts';
import { endFlag, frameLimits, frameType, protocolVersion } from './messages.ts';
import { FrameStream, type StreamListener, type StreamPort } from './stream.ts';
import { StreamTable } from './stream-table.ts';
import { FrameViolation } from './violation.ts';

/** What the owner of a connection hears. */
export interface ConnectionEvents {
  /** The router opened a stream. Only on the runtime's side. */
  opened?(stream: FrameStream, head: string, end: boolean): StreamListener;
  /** `specialise`, `ready` or `drain`; the payload is valid only during the call. */
  message(type: number, payload: Buffer): void;
  /** The connection is gone and all streams have been told; with the reason when it was not an orderly end. */
  closed(reason: Error | undefined): void;
}

interface ConnectionOptions {
  readonly side: Side;
  /** Goes into our hello: `router`, `engine`, `node`, … */
  readonly role: string;
  /** Whether the buffers given to `receive` are used again, so that payloads must be copied. */
  readonly reusesBuffer: boolean;
  readonly events: ConnectionEvents;
}

/** Sending pauses above this many bytes that the kernel has not taken. */
const congestedBytes = 256 * 1024;

export class FrameConnection implements StreamPort {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #streams = new StreamTable();
  /** Streams with data to send, in turn. */
  readonly #waiting = new Set<FrameStream>();
  #lastStream = 0;
  #greeted = false;
  #sendWindow: number = frameLimits.connectionWindow;
  #received = 0;
  #failure: Error | undefined;
  #closed = false;

  /** Takes the socket over, except for reading: the owner feeds `receive`. Sends hello. */
  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new FrameReader(options.side, (type, flags, id, bytes, start, end) =>
      this.#dispatch(type, flags, id, bytes, start, end),
    );
    this.#writer = new FrameWriter(socket, () => this.#takeTurns());
    socket.on('drain', () => this.#takeTurns());
    socket.on('error', (error) => (this.#failure ??= error));
    socket.on('close', () => this.#close());
    this.message(frameType.hello, { version: protocolVersion, role: options.role });
  }

  /** Streams that are not over. */
  get size(): number {
    return this.#streams.size;
  }

  /** Grows with every flush; see FrameWriter. */
  get flushes(): number {
    return this.#writer.flushes;
  }

  /** Whether a stream may still be opened: numbers are never used again. */
  get canOpen(): boolean {
    return !this.#closed && this.#lastStream < 0xffff_ffff;
  }

  /** Reads the first `length` bytes. A violation destroys the connection; `closed` tells. */
  receive(bytes: Buffer, length = bytes.length): void {
    if (this.#closed) return;
    try {
      this.#reader.push(bytes, length);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** Opens a stream with its head. Only on the router's side. Throws FrameViolation when the head cannot be sent. */
  open(head: HeadText, end: boolean, listener: StreamListener): FrameStream {
    const stream = new FrameStream(this.#lastStream + 1, this, () => listener);
    this.#streams.add(stream);
    try {
      stream.head(head, end);
    } catch (error) {
      this.#streams.delete(stream.id);
      throw error;
    }
    this.#lastStream = stream.id;
    return stream;
  }

  /** Sends hello, specialise or ready as JSON, or drain without a payload. */
  message(type: number, value?: unknown): void {
    this.#writer.bytes(type, 0, 0, value === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(value)));
  }

  /** Sends what was gathered, then ends the connection in good order. */
  end(): void {
    this.#writer.flush();
    this.#socket.end();
  }

  /** Ends the connection now; streams are told it is lost. */
  fail(reason: Error | undefined): void {
    this.#failure ??= reason;
    this.#writer.close();
    this.#socket.destroy();
    this.#close();
  }

  room(): number {
    return this.#writer.backlog > congestedBytes ? 0 : this.#sendWindow;
  }

  sendHead(stream: FrameStream, head: HeadText, end: boolean): void {
    if (this.#streams.get(stream.id) === undefined) return;
    this.#writer.head(end ? endFlag : 0, stream.id, head);
    if (end) this.#sideEnded(stream);
  }

  sendText(type: number, end: boolean, stream: FrameStream, text: string): void {
    if (this.#streams.get(stream.id) === undefined) return;
    this.#writer.text(type, end ? endFlag : 0, stream.id, text);
    this.#sideEnded(stream);
  }

  sendData(stream: FrameStream, bytes: Buffer, start: number, end: number, last: boolean): void {
    if (this.#streams.get(stream.id) === undefined) return;
    this.#sendWindow -= end - start;
    this.#writer.bytes(frameType.data, last ? endFlag : 0, stream.id, bytes, start, end);
    if (last) this.#sideEnded(stream);
  }

  sendWindow(stream: FrameStream, bytes: number): void {
    if (this.#streams.get(stream.id) !== undefined) this.#grant(stream.id, bytes);
  }

  wait(stream: FrameStream): void {
    this.#waiting.add(stream);
    this.#writer.schedule();
  }

  /** Our side of the stream is complete, and with it, on the runtime's side, the stream. */
  #sideEnded(stream: FrameStream): void {
    const runtime = this.#options.side === 'runtime';
    if (runtime) this.#streams.delete(stream.id);
    this.#writer.messageEnded(this.#streams.size === (runtime ? 0 : 1));
  }

  #grant(id: number, bytes: number): void {
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32BE(bytes);
    this.#writer.bytes(frameType.window, 0, id, payload);
  }

  #takeTurns(): void {
    for (let more = true; more && this.#waiting.size > 0; ) {
      more = false;
      for (const stream of this.#waiting) {
        if (this.room() === 0) return;
        const turn = stream.takeTurn();
        if (turn === 'more') more = true;
        else this.#waiting.delete(stream);
      }
    }
  }

  #dispatch(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (this.#closed) return;
    if (!this.#greeted) return this.#greet(type, bytes, start, end);
    switch (type) {
      case frameType.head:
        return this.#head(id, bytes.toString('latin1', start, end), flags === endFlag);
      case frameType.data:
        return this.#data(id, bytes, start, end, flags === endFlag);
      case frameType.trailers:
        return this.#trailers(id, bytes.toString('latin1', start, end));
      case frameType.cancel:
        return this.#canceled(id);
      case frameType.error:
        return this.#error(id, bytes.toString('latin1', start, end));
      case frameType.window:
        return this.#window(id, bytes.readUInt32BE(start));
      case frameType.ping:
        return this.#pong(bytes, start, end);
      case frameType.pong:
        return;
      case frameType.hello:
        throw new FrameViolation('state', 'a second hello');
      default:
        return this.#options.events.message(type, bytes.subarray(start, end));
    }
  }

  #greet(type: number, bytes: Buffer, start: number, end: number): void {
    if (type !== frameType.hello) throw new FrameViolation('state', `frame type ${type} before hello`);
    assertHello(bytes.toString('utf8', start, end));
    this.#greeted = true;
  }

  #head(id: number, text: string, end: boolean): void {
    if (this.#options.side === 'router') {
      const stream = this.#known(id, 'head');
      stream?.receiveHead(end);
      if (end) this.#streams.delete(id);
      stream?.listener.head(text, end);
      return;
    }
    if (id <= this.#lastStream) throw new FrameViolation('stream', `stream ${id} after stream ${this.#lastStream}`);
    const opened = this.#options.events.opened?.bind(this.#options.events);
    if (opened === undefined) throw new FrameViolation('state', `a head on stream ${id} of a connection without calls`);
    this.#lastStream = id;
    try {
      // An answer given at once ends the stream while it is being made, so it has to be known before.
      void new FrameStream(id, this, (stream) => {
        stream.receiveHead(end);
        this.#streams.add(stream);
        return opened(stream, text, end);
      });
    } catch (error) {
      this.#streams.delete(id);
      throw error;
    }
  }

  #data(id: number, bytes: Buffer, start: number, end: number, last: boolean): void {
    const size = end - start;
    this.#received += size;
    if (this.#received >= frameLimits.connectionWindow / 2) {
      this.#grant(0, this.#received);
      this.#received = 0;
    }
    const stream = this.#known(id, 'data');
    if (stream === undefined) return;
    stream.receiveData(size, last);
    if (last) this.#peerEnded(id);
    stream.listener.data(this.#own(bytes, start, end), last);
  }

  #trailers(id: number, text: string): void {
    const stream = this.#known(id, 'trailers');
    if (stream === undefined) return;
    stream.receiveTrailers();
    this.#peerEnded(id);
    stream.listener.trailers(text);
  }

  #error(id: number, text: string): void {
    const stream = this.#known(id, 'error');
    if (stream === undefined) return;
    this.#streams.delete(id);
    stream.drop();
    const line = text.indexOf('\n');
    const code = line < 0 ? text : text.slice(0, line);
    stream.listener.stopped(code, line < 0 ? '' : text.slice(line + 1));
  }

  #canceled(id: number): void {
    const stream = this.#known(id, 'cancel');
    if (stream === undefined) return;
    // Whoever answered has settled, and what waits of the answer has no reader: nobody else would confirm.
    if (stream.isEnding) stream.stop(frameType.error, 'canceled\n');
    stream.listener.stopped('canceled', '');
  }

  #window(id: number, bytes: number): void {
    if (id !== 0) {
      this.#known(id, 'window')?.grant(bytes);
      return;
    }
    this.#sendWindow += bytes;
    if (bytes === 0 || this.#sendWindow > frameLimits.connectionWindow) {
      throw new FrameViolation('window', `the connection was granted ${bytes} bytes that were not in use`);
    }
    if (this.#waiting.size > 0) this.#writer.schedule();
  }

  #pong(bytes: Buffer, start: number, end: number): void {
    if (this.#writer.backlog > congestedBytes) throw new FrameViolation('state', 'pings without reading the answers');
    this.#writer.bytes(frameType.pong, 0, 0, bytes, start, end);
  }

  #peerEnded(id: number): void {
    if (this.#options.side === 'router') this.#streams.delete(id);
  }

  /** A stream that may be named now; undefined: over here, but the router could not know yet. */
  #known(id: number, frame: string): FrameStream | undefined {
    const stream = this.#streams.get(id);
    if (stream !== undefined) return stream;
    if (this.#options.side === 'runtime' && id <= this.#lastStream) return undefined;
    throw new FrameViolation('stream', `a ${frame} frame on stream ${id}, which is not open`);
  }

  #own(bytes: Buffer, start: number, end: number): Buffer {
    if (!this.#options.reusesBuffer) return bytes.subarray(start, end);
    const copy = Buffer.allocUnsafe(end - start);
    bytes.copy(copy, 0, start, end);
    return copy;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#writer.close();
    this.#waiting.clear();
    for (const stream of this.#streams.drain()) {
      stream.drop();
      stream.listener.stopped('lost', this.#failure?.message ?? 'the connection was closed');
    }
    this.#options.events.closed(this.#failure);
  }
}
