import type { IncomingMessage } from 'node:http';
import type { StallWatch, Transfer } from './stall-watch.ts';

/**
 * After an answer that did not wait for the request's body: reads and drops the rest, so that the client gets to see the
 * answer instead of a reset connection. A client that goes on sending for the whole stall limit has not listened.
 */
export function dropLeftover(request: IncomingMessage, { watch }: { readonly watch: StallWatch }): void {
  if (request.complete || request.destroyed) return;
  const { socket } = request;
  const leftover: Transfer = { place: -1, moved: false, idleLooks: 0, stalled: () => socket.destroy() };
  watch.add(leftover);
  request.once('close', () => watch.delete(leftover));
  request.resume();
}
