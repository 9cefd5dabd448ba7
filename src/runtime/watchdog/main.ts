/**
 * Root of the watchdog as the runtime of an instance: listens on `TINDERBOX_SOCKET`, says so on fd 3, waits to be told
 * its function, and runs it as its mode says.
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
  const onProgramEnd = (reason: string): void => {
    process.stderr.write(`tinderbox: the program of the function is gone: ${reason}\n`, () => process.exit(1));
  };
  const instance = new Instance({ inherited, onDrained: () => process.exit(0), onProgramEnd });
  const server = createServer((socket) => instance.accept(socket));
  process.on('SIGTERM', () => {
    server.close();
    instance.drain();
  });
  server.listen(socketPath, sayListening);
}

main();
