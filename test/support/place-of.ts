import type { SocketPlace } from '../../src/frame/connect-socket.ts';

/** A socket that this process, or a child with its user, made. */
export function placeOf(socketPath: string): SocketPlace {
  return { socketPath, owner: process.geteuid?.() ?? 0 };
}
