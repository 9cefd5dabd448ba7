import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { FrameConnection } from '../../frame/connection.ts';
import { formatRequestHead } from '../../frame/head-text.ts';
import type { StreamListener } from '../../frame/stream.ts';
import { Instance } from './instance.ts';
import type { LoadedHandler } from './handler.ts';
import { loadHandler } from './load-handler.ts';

const head = { method: 'GET', target: '/', callId: 'rehearsal', remainingMs: 1000, contentLength: 0 };
/** What a gateway adds to every call. */
const fields = ['Host', 'localhost', 'Accept', '*/*', 'X-Call-Id', 'rehearsal', 'X-Forwarded-For', '127.0.0.1:1'];

/** An instance with a function of ours, which answers one call; it has nothing to do with the one that will serve. */
export async function createStandIn(): Promise<Instance> {
  const folder = dirname(process.argv[1] ?? '');
  const load = (file: string): Promise<LoadedHandler> =>
    loadHandler({ name: 'rehearsal', handler: join(folder, file) });
  await load('rehearsal-handler.mjs');
  const { handler } = await load('rehearsal-handler.cjs');
  return new Instance({ kind: 'serving', handler, concurrency: 1 });
}

/**
 * Sends the stand-in that listens at `socketPath` one call and resolves when all is over. V8 compiles a function when it
 * is first called, so loading a first handler and its first call cost a process ten times as much as the next; a warm
 * process has that behind it before anybody waits.
 */
export function rehearse(socketPath: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(socketPath);
  const connection = new FrameConnection(socket, {
    side: 'router',
    role: 'router',
    reusesBuffer: false,
    events: { message() {}, closed: (reason) => (reason === undefined ? resolve() : reject(reason)) },
  });
  socket.on('data', (bytes: Buffer) => connection.receive(bytes));
  const over = (): void => connection.end();
  const listener: StreamListener = {
    head: (_, end) => end && over(),
    data: (_, end) => end && over(),
    trailers: over,
    stopped: over,
  };
  connection.open(formatRequestHead({ ...head, fields }), true, listener);
  return promise;
}
