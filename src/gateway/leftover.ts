import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { StallWatch, Transfer } from './stall-watch.ts';

/**
 * After an answer that did not wait for the request's body: reads and drops the rest, so that the client gets to see the
 * answer instead of a reset connection; about `bodyBytes` of it, and as long as it makes progress.
 */
export function dropLeftover(
  request: IncomingMessage,
  limits: { readonly bodyBytes: number; readonly watch: StallWatch },
): void {
  if (request.complete || request.destroyed) return;
  const leftover = new Leftover(request.socket, limits.bodyBytes);
  limits.watch.add(leftover);
  request.once('close', () => limits.watch.delete(leftover));
  request.resume();
}

/** Bytes are counted on the socket: node:http reports none of a body it drops. */
class Leftover implements Transfer {
  idleLooks = 0;
  readonly #socket: Socket;
  readonly #lastByte: number;
  #seen: number;

  constructor(socket: Socket, limitBytes: number) {
    this.#socket = socket;
    this.#seen = socket.bytesRead;
    this.#lastByte = this.#seen + limitBytes;
  }

  get moved(): boolean {
    const bytes = this.#socket.bytesRead;
    const moved = bytes !== this.#seen;
    this.#seen = bytes;
    if (bytes > this.#lastByte) this.#socket.destroy();
    return moved;
  }

  set moved(_value: boolean) {}

  stalled(): void {
    this.#socket.destroy();
  }
}
