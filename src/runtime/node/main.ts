/**
 * Root of the Node runtime: listens on `TINDERBOX_SOCKET`, says so on fd 3, waits to be made one function, serves it.
 * Everything a generic (warm) process can do beforehand has happened when `listening` is said, a rehearsed call included
 * where `TINDERBOX_REHEARSE=1` asks for one.
 */
import { closeSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { exitFor, guardExits } from './exit-guard.ts';
import { Instance } from './instance.ts';
import { markLogLines } from './log-marks.ts';
import { createStandIn, rehearse } from './rehearsal.ts';

const statusFd = 3;

function sayListening(): void {
  try {
    writeSync(statusFd, 'listening\n');
    closeSync(statusFd);
  } catch (error) {
    // Started by hand there is nobody to tell.
    if ((error as NodeJS.ErrnoException).code !== 'EBADF') throw error;
  }
}

async function main(): Promise<void> {
  const socketPath = process.env['TINDERBOX_SOCKET'];
  if (socketPath === undefined || socketPath === '') exitFor('TINDERBOX_SOCKET is not set');
  const instance = new Instance();
  // Who is started for a function at once has no time for a rehearsal.
  const standIn = process.env['TINDERBOX_REHEARSE'] === '1' ? await createStandIn() : undefined;
  let accepting = standIn ?? instance;
  const server = createServer((socket) => accepting.accept(socket));
  server.on('error', (error) => exitFor(`cannot listen on ${socketPath}: ${error.message}`));
  markLogLines(instance.calls);
  guardExits(instance.calls);
  process.on('SIGTERM', () => {
    server.close();
    instance.drain();
  });
  server.listen(socketPath, () => {
    if (standIn === undefined) return sayListening();
    rehearse(socketPath).then(
      () => {
        accepting = instance;
        sayListening();
      },
      (error: Error) => exitFor(`the rehearsal of a call failed: ${error.message}`),
    );
  });
}

await main();
