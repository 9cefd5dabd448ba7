import { once } from 'node:events';
import type { Server } from 'node:net';
import { TinderboxError } from '../model/errors.ts';

/** Connections the kernel completes while nobody accepts; the system may have a lower limit (`net.core.somaxconn`). */
const backlog = 4096;

/**
 * Listens and resolves with the port taken; 0 asks for a free one. Rejects with `conflict` naming host and port, and
 * `flag`, which chooses another port.
 */
export async function listenOn(server: Server, host: string, port: number, flag: string): Promise<number> {
  server.listen({ port, host, backlog });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new TinderboxError('conflict', `cannot listen on ${host}:${port}: ${(error as Error).message}`, {
      hint: `end the program that holds the port, or choose another one with ${flag}`,
      cause: error,
    });
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
