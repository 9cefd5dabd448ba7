import type { FrameStream } from '../../frame/stream.ts';

/** The body of one request: collected as a whole, or pulled as a stream; until one is chosen it waits in its window. */
export class RequestBody {
  readonly #stream: FrameStream;
  readonly #contentLength: number | undefined;
  #chunks: Buffer[] = [];
  #size = 0;
  #ended = false;
  #failure: Error | undefined;
  #collect: { readonly maxBytes: number; readonly done: (body: Buffer | undefined) => void } | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: FrameStream, contentLength: number | undefined) {
    this.#stream = stream;
    this.#contentLength = contentLength;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Calls `done` with the whole body, at once when it is here; with undefined when it is longer than `maxBytes`. */
  collect(maxBytes: number, done: (body: Buffer | undefined) => void): void {
    this.#collect = { maxBytes, done };
    if ((this.#contentLength ?? 0) > maxBytes) return this.#collected(undefined);
    this.#size = 0;
    for (const bytes of this.#chunks) this.#count(bytes);
    if (this.#ended) this.#collected(this.whole());
  }

  /** All that has come; the whole body once `ended`. */
  whole(): Buffer {
    const chunks = this.#chunks;
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  }

  /** The body as a web stream; what is read makes room for more. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          if (this.#chunks.length === 0 && !this.#ended && this.#failure === undefined) {
            await new Promise<void>((resolve) => (this.#wake = resolve));
          }
          const bytes = this.#chunks.shift();
          if (bytes !== undefined) {
            this.#stream.consumed(bytes.length);
            controller.enqueue(bytes);
          } else if (this.#failure !== undefined) controller.error(this.#failure);
          else controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** For the call: bytes came, maybe the last. */
  arrived(bytes: Buffer, end: boolean): void {
    if (bytes.length > 0) this.#chunks.push(bytes);
    this.#ended = end;
    if (this.#collect !== undefined) {
      this.#count(bytes);
      if (end && this.#collect !== undefined) this.#collected(this.whole());
      return;
    }
    this.#wake?.();
    this.#wake = undefined;
  }

  /** For the call: nothing more comes. False: the handler was waiting for a whole body and will never begin. */
  stop(reason: Error): boolean {
    this.#failure = reason;
    if (this.#collect !== undefined) {
      this.#collect = undefined;
      return false;
    }
    this.#wake?.();
    this.#wake = undefined;
    return true;
  }

  #count(bytes: Buffer): void {
    this.#size += bytes.length;
    if (this.#collect !== undefined && this.#size > this.#collect.maxBytes) return this.#collected(undefined);
    this.#stream.consumed(bytes.length);
  }

  #collected(body: Buffer | undefined): void {
    const done = this.#collect?.done;
    this.#collect = undefined;
    done?.(body);
  }
}
