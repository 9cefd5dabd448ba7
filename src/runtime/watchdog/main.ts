/**
 * Root of the watchdog, the runtime of `fork` functions: listens on `TINDERBOX_SOCKET`, says so on fd 3, waits to be told
 * its program, and runs it once per call.
 */
import { closeSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { Instance } from './instance.ts';

const statusFd = 3;
/** By this mark a host without cgroups finds the processes of an instance. */
const cageVariable = 'TINDERBOX_CAGE';

function sayListening(): void {
  try {
    writeSync(statusFd, 'listening\n');
    closeSync(statusFd);
  } catch (error) {
    // Started by hand there is nobody to tell.
    if ((error as NodeJS.ErrnoException).code !== 'EBADF') throw error;
  }
}

function main(): void {
  const { TINDERBOX_SOCKET: socketPath = '', [cageVariable]: cage } = process.env;
  if (socketPath === '') throw new Error('TINDERBOX_SOCKET is not set');
  const inherited = cage === undefined ? {} : { [cageVariable]: cage };
  const instance = new Instance({ inherited, onDrained: () => process.exit(0) });
  // Every running call may wait for it to take more.
  process.stderr.setMaxListeners(0);
  const server = createServer((socket) => instance.accept(socket));
  process.on('SIGTERM', () => {
    server.close();
    instance.drain();
  });
  server.listen(socketPath, sayListening);
}

main();
