import type { Socket } from 'node:net';
import { unsentError } from '../unsent.ts';
import type { HttpAddress } from '../http.ts';

/**
 * Resolves when the open connection leads to the instance and may be used. Otherwise rejects, `lost` and marked unsent,
 * and closes it: who took the port of another function must not see its calls.
 */
export async function assertInstance(socket: Socket, peer: Pick<HttpAddress, 'isInstance'>): Promise<void> {
  const isOwn = await peer.isInstance().catch(() => false);
  if (isOwn && !socket.destroyed) return;
  socket.destroy();
  throw unsentError(
    isOwn ? 'the instance ended the connection at once' : 'the instance is not at its address any more',
  );
}
