import { Readable } from 'node:stream';

/** Below this much waiting the consumer is asked for more; well under half a window, see `_read`. */
const highWaterMark = 16 * 1024;

interface ReplyBodyHooks {
  /** The consumer used up so many more bytes. */
  consumed(bytes: number): void;
  /** It was destroyed before its end. */
  abandoned(): void;
}

/** Body of a streaming reply: bytes are pushed as they arrive, and given back to the sender's window as they are used. */
export class ReplyBody extends Readable {
  readonly #hooks: ReplyBodyHooks;
  #held = 0;
  #complete = false;

  constructor(hooks: ReplyBodyHooks) {
    super({ highWaterMark });
    this.#hooks = hooks;
    // A function that breaks off must not end the platform because a consumer listens too late or not at all.
    this.on('error', () => {});
  }

  arrived(bytes: Buffer): void {
    if (this.destroyed || bytes.length === 0) return;
    this.#held += bytes.length;
    this.push(bytes);
  }

  /** Nothing more comes. */
  complete(): void {
    this.#complete = true;
    this.push(null);
  }

  /**
   * Called with less than the high-water mark waiting; as that is less than half of a stream's window, what was used up
   * by then is always enough for the peer to go on.
   */
  override _read(): void {
    const used = this.#held - this.readableLength;
    if (used === 0) return;
    this.#held -= used;
    this.#hooks.consumed(used);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#complete) this.#hooks.abandoned();
    callback(error);
  }
}
