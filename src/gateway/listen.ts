import { once } from 'node:events';
import type { Server } from 'node:net';
import { TinderboxError } from '../model/errors.ts';

/** Connections the kernel completes while nobody accepts; the system may have a lower limit (`net.core.somaxconn`). */
const backlog = 4096;

/**
 * Listens and resolves with the port taken; 0 asks for a free one. Rejects naming host and port, with `conflict` for
 * a port that is taken, `config` for one that cannot be; `flag` chooses another port.
 */
export async function listenOn(server: Server, host: string, port: number, flag: string): Promise<number> {
  server.listen({ port, host, backlog });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw cannotListen(error as NodeJS.ErrnoException, `${host}:${port}`, flag);
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

function cannotListen(cause: NodeJS.ErrnoException, place: string, flag: string): TinderboxError {
  const message = `cannot listen on ${place}: ${cause.message}`;
  if (cause.code === 'EADDRINUSE') {
    const hint = `end the program that holds the port, or choose another one with ${flag}`;
    return new TinderboxError('conflict', message, { hint, cause });
  }
  const hint =
    cause.code === 'EACCES'
      ? `this user may not have that port: choose another one with ${flag}`
      : '--host is to be an address of this machine, such as 127.0.0.1';
  return new TinderboxError('config', message, { hint, cause });
}
