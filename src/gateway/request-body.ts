import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { TinderboxError } from '../model/errors.ts';
import type { StallWatch, Transfer } from './stall-watch.ts';

export interface BodyLimits {
  readonly bodyBytes: number;
  readonly watch: StallWatch;
}

/** Told once, with the whole body or with what went wrong (`too-large`, `stalled`). */
export type BodyDone = (error: Error | undefined, body: Buffer | undefined) => void;

/** Collects a body of known, small length into one Buffer; a client that leaves is noticed by whoever holds the reply. */
export function collectBody(request: IncomingMessage, watch: StallWatch, done: BodyDone): void {
  const chunks: Buffer[] = [];
  const transfer: Transfer = {
    place: -1,
    moved: true,
    idleLooks: 0,
    stalled: () => done(clientStalled(), undefined),
  };
  watch.add(transfer);
  request.on('data', (chunk: Buffer) => {
    transfer.moved = true;
    chunks.push(chunk);
  });
  request.on('end', () => {
    watch.delete(transfer);
    done(undefined, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  });
  request.on('close', () => watch.delete(transfer));
}

/**
 * A request body that is pulled: counts bytes against the limit, notices a client that stalls while it is its turn, and
 * ends with an error when the client leaves half-way. Destroying it leaves the rest of the request unread.
 */
export class StreamedBody extends Readable implements Transfer {
  place = -1;
  moved = true;
  idleLooks = 0;
  readonly #request: IncomingMessage;
  readonly #limits: BodyLimits;
  readonly #failed: (error: Error) => void;
  #bytes = 0;
  /** Whether the reader waits for the client; otherwise the client waits for the reader. */
  #wanted = false;

  /** `failed` hears of every end that is the client's fault, before the stream's own error does. */
  constructor(request: IncomingMessage, limits: BodyLimits, failed: (error: Error) => void) {
    super({ highWaterMark: 64 * 1024 });
    this.#request = request;
    this.#limits = limits;
    this.#failed = failed;
    request.on('data', this.#take);
    request.on('end', this.#ended);
    request.on('close', this.#left);
    request.pause();
    limits.watch.add(this);
    // Whoever reads may be gone by the time the client fails.
    this.on('error', () => {});
  }

  override _read(): void {
    this.#wanted = true;
    this.moved = true;
    this.#request.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#limits.watch.delete(this);
    this.#request.off('data', this.#take).off('end', this.#ended).off('close', this.#left);
    this.#request.pause();
    done(error);
  }

  stalled(): void {
    if (!this.#wanted) {
      this.idleLooks = 0;
      this.#limits.watch.add(this);
      return;
    }
    this.#fail(clientStalled());
  }

  readonly #take = (chunk: Buffer): void => {
    this.moved = true;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.bodyBytes) {
      this.#fail(bodyTooLarge(this.#limits.bodyBytes));
      return;
    }
    if (this.push(chunk)) return;
    this.#wanted = false;
    this.#request.pause();
  };

  readonly #ended = (): void => {
    this.#limits.watch.delete(this);
    this.push(null);
  };

  readonly #left = (): void => {
    if (this.#request.complete) return;
    this.destroy(new TinderboxError('canceled', 'the client left in the middle of its request'));
  };

  #fail(error: Error): void {
    this.#failed(error);
    this.destroy(error);
  }
}

export function bodyTooLarge(limitBytes: number): TinderboxError {
  return new TinderboxError('too-large', `the request body is larger than the limit of ${limitBytes} bytes`);
}

export function clientStalled(): TinderboxError {
  return new TinderboxError('stalled', 'the request body made no progress within the time limit');
}
