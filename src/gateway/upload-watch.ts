import type { IncomingMessage } from 'node:http';
import type { StallWatch, Transfer } from './stall-watch.ts';

/**
 * Notices that the body of a request somebody else reads makes no progress for the whole stall limit, on the socket.
 * `stalled` must end the request.
 */
export function watchUpload(request: IncomingMessage, watch: StallWatch, stalled: () => void): void {
  const { socket, headers } = request;
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return;
  let seen = socket.bytesRead;
  const transfer: Transfer = {
    place: -1,
    idleLooks: 0,
    stalled,
    get moved() {
      const before = seen;
      seen = socket.bytesRead;
      // What lies here unread is not the client's fault.
      return seen !== before || request.readableLength > 0;
    },
    set moved(_looked: boolean) {},
  };
  watch.add(transfer);
  const done = (): void => watch.delete(transfer);
  request.once('end', done).once('close', done);
}
