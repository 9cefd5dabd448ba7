import type { Writable } from 'node:stream';
import { encodeHead, type HeadText, headSize } from './head-text.ts';
import { frameLimits, frameType, headerBytes } from './messages.ts';
import { FrameViolation } from './violation.ts';

const chunkBytes = 64 * 1024;
/** Payloads above this are handed to the kernel as they are; copying a smaller one is cheaper than another vector. */
const copyBytes = 4 * 1024;

/**
 * Messages (frames that end a side of a stream) that leave together at most. More in one write save little; fewer let
 * the peer begin while this side still reads: on two cores, 64 callers were answered a quarter faster than with one
 * write per tick.
 */
const messagesPerFlush = 8;

/**
 * Encoder of one connection. Frames of one tick are gathered and leave in one write, or in several when they are many.
 * The chunk they are gathered in is used again as soon as the kernel took all of it.
 */
export class FrameWriter {
  readonly #socket: Writable;
  readonly #beforeFlush: () => void;
  readonly #flushNow = (): void => this.flush();
  /** Finished pieces before the current chunk, in order; only when the tick wrote much. */
  #parts: Buffer[] = [];
  #partBytes = 0;
  #chunk: Buffer | undefined;
  #used = 0;
  /** Start of what is not in `#parts` yet. */
  #from = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #flushes = 0;
  #messages = 0;
  #flushing = false;

  /** `beforeFlush` may add frames that waited for their turn. */
  constructor(socket: Writable, beforeFlush: () => void) {
    this.#socket = socket;
    this.#beforeFlush = beforeFlush;
  }

  /** Bytes not yet taken by the kernel. */
  get backlog(): number {
    return this.#partBytes + this.#used - this.#from + this.#socket.writableLength;
  }

  /** Grows by one with every flush: a frame written while it was n has left this process when it is n + 1. */
  get flushes(): number {
    return this.#flushes;
  }

  /** A frame whose payload is latin-1 text; the caller made sure it has no other characters. */
  text(type: number, flags: number, stream: number, text: string): void {
    const at = this.#header(type, flags, stream, text.length, text.length);
    (this.#chunk as Buffer).write(text, at, 'latin1');
  }

  /** A frame whose payload is a head. Throws FrameViolation, and sends nothing, when it has what the wire does not carry. */
  head(flags: number, stream: number, head: HeadText): void {
    const size = headSize(head);
    if (size > frameLimits.headBytes) {
      throw new FrameViolation('length', `a head of ${size} bytes, at most ${frameLimits.headBytes} are allowed`);
    }
    const at = this.#header(frameType.head, flags, stream, size, size);
    try {
      encodeHead(head, this.#chunk as Buffer, at);
    } catch (error) {
      this.#used = at - headerBytes;
      throw error;
    }
  }

  /** A frame with the bytes from `start` to `end`; large ones must not change until they are sent. */
  bytes(type: number, flags: number, stream: number, bytes: Buffer, start = 0, end = bytes.length): void {
    const size = end - start;
    if (size <= copyBytes) {
      const at = this.#header(type, flags, stream, size, size);
      if (size > 0) bytes.copy(this.#chunk as Buffer, at, start, end);
      return;
    }
    this.#header(type, flags, stream, size, 0);
    this.#cut();
    this.#parts.push(bytes.subarray(start, end));
    this.#partBytes += size;
  }

  /** A message is complete. `last`: nothing else is on the way that it could leave with. */
  messageEnded(last: boolean): void {
    this.#messages += 1;
    if (this.#flushing || this.#socket.writableLength > 0) return;
    if (last || this.#messages >= messagesPerFlush) this.flush();
  }

  /** Asks for a flush at the end of this tick. */
  schedule(): void {
    this.#scheduled ??= setImmediate(this.#flushNow);
  }

  /** Writes all that was gathered, now. */
  flush(): void {
    this.#flushing = true;
    this.#beforeFlush();
    this.#flushing = false;
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const socket = this.#socket;
    if (socket.destroyed || this.#used + this.#parts.length === 0) return;
    this.#flushes += 1;
    this.#messages = 0;
    if (this.#parts.length === 0) {
      socket.write((this.#chunk as Buffer).subarray(0, this.#used));
    } else {
      this.#cut();
      socket.cork();
      for (const part of this.#parts) socket.write(part);
      socket.uncork();
      this.#parts = [];
      this.#partBytes = 0;
    }
    if (socket.writableLength > 0) this.#chunk = undefined;
    this.#used = 0;
    this.#from = 0;
  }

  /** Forgets what was gathered. */
  close(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#chunk = undefined;
    this.#used = 0;
    this.#from = 0;
    this.#parts = [];
    this.#partBytes = 0;
  }

  /** Writes a frame header and makes room for `inChunk` bytes after it; returns where they go. */
  #header(type: number, flags: number, stream: number, size: number, inChunk: number): number {
    const needed = headerBytes + inChunk;
    if (this.#chunk === undefined || this.#used + needed > this.#chunk.length) this.#newChunk(needed);
    const chunk = this.#chunk as unknown as Buffer;
    const at = this.#used;
    chunk[at] = type;
    chunk[at + 1] = flags;
    chunk.writeUInt32BE(stream, at + 2);
    chunk.writeUInt32BE(size, at + 6);
    this.#used = at + needed;
    this.schedule();
    return at + headerBytes;
  }

  #newChunk(needed: number): void {
    this.#cut();
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(chunkBytes, needed));
    this.#used = 0;
    this.#from = 0;
  }

  /** Moves what the chunk holds so far to the finished pieces. */
  #cut(): void {
    if (this.#used === this.#from) return;
    this.#parts.push((this.#chunk as Buffer).subarray(this.#from, this.#used));
    this.#partBytes += this.#used - this.#from;
    this.#from = this.#used;
  }
}
