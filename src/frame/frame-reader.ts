import { assertFrameHeader, type Side } from './frame-rules.ts';
import { headerBytes } from './messages.ts';

/** Takes one complete frame; the payload is `bytes` from `start` to `end` and valid only until it returns. */
export type FrameSink = (
  type: number,
  flags: number,
  stream: number,
  bytes: Buffer,
  start: number,
  end: number,
) => void;

/**
 * Incremental decoder of one connection. Frames that lie whole in what was read are handed on without a copy; for one
 * that is split, its header is checked first and then exactly its payload is allocated.
 */
export class FrameReader {
  readonly #receiver: Side;
  readonly #sink: FrameSink;
  readonly #header = Buffer.alloc(headerBytes);
  #headerFill = 0;
  #payload: Buffer | undefined;
  #payloadFill = 0;

  constructor(receiver: Side, sink: FrameSink) {
    this.#receiver = receiver;
    this.#sink = sink;
  }

  /** Decodes the first `length` bytes. Throws FrameViolation, and what the sink throws; it is unusable then. */
  push(bytes: Buffer, length = bytes.length): void {
    let at = this.#headerFill === 0 ? 0 : this.#resume(bytes, length);
    while (length - at >= headerBytes) {
      const payload = at + headerBytes;
      const size = bytes.readUInt32BE(at + 6);
      const type = bytes[at] as number;
      const flags = bytes[at + 1] as number;
      const stream = bytes.readUInt32BE(at + 2);
      assertFrameHeader(this.#receiver, type, flags, stream, size);
      if (payload + size > length) break;
      this.#sink(type, flags, stream, bytes, payload, payload + size);
      at = payload + size;
    }
    if (at < length) this.#keep(bytes, at, length);
  }

  /** Goes on with a split frame; returns where the next one starts, or `length` when this one is still not whole. */
  #resume(bytes: Buffer, length: number): number {
    let at = 0;
    if (this.#payload === undefined) {
      at = Math.min(length, headerBytes - this.#headerFill);
      bytes.copy(this.#header, this.#headerFill, 0, at);
      this.#headerFill += at;
      if (this.#headerFill < headerBytes) return length;
      this.#allocate();
    }
    const payload = this.#payload as unknown as Buffer;
    const size = Math.min(length - at, payload.length - this.#payloadFill);
    bytes.copy(payload, this.#payloadFill, at, at + size);
    this.#payloadFill += size;
    if (this.#payloadFill < payload.length) return length;
    this.#headerFill = 0;
    this.#payload = undefined;
    const header = this.#header;
    this.#sink(header[0] as number, header[1] as number, header.readUInt32BE(2), payload, 0, payload.length);
    return at + size;
  }

  #keep(bytes: Buffer, at: number, length: number): void {
    const inHeader = Math.min(length - at, headerBytes);
    bytes.copy(this.#header, 0, at, at + inHeader);
    this.#headerFill = inHeader;
    if (inHeader < headerBytes) return;
    this.#allocate();
    const payload = this.#payload as unknown as Buffer;
    this.#payloadFill = bytes.copy(payload, 0, at + headerBytes, length);
  }

  /** The header is complete: it is checked, then memory is taken. */
  #allocate(): void {
    const header = this.#header;
    const size = header.readUInt32BE(6);
    assertFrameHeader(this.#receiver, header[0] as number, header[1] as number, header.readUInt32BE(2), size);
    this.#payload = Buffer.allocUnsafeSlow(size);
    this.#payloadFill = 0;
  }
}
