import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestPlatform } from './platform.ts';
import { until } from './until.ts';

/** A client that writes its bytes by hand. */
export interface RawConnection {
  readonly socket: Socket;
  /** All it got so far, as latin-1. */
  text(): string;
  write(bytes: string): void;
  /** Resolves with all it got once that contains `marker`. */
  until(marker: string | RegExp): Promise<string>;
  /** Resolves with all it got once the other side closed the connection. */
  closed(): Promise<string>;
}

/** A connection to the platform's gateway. Its owner destroys the socket. */
export async function openConnection(platform: TestPlatform): Promise<RawConnection> {
  const socket = connect(Number(new URL(platform.url).port), '127.0.0.1');
  // A reset is one of the ways to be refused; what came before it counts.
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  await once(socket, 'connect');
  const has = (marker: string | RegExp): boolean =>
    typeof marker === 'string' ? text.includes(marker) : marker.test(text);
  return {
    socket,
    text: () => text,
    write: (bytes) => void socket.write(bytes, 'latin1'),
    async until(marker) {
      await until(`${String(marker)} after ${JSON.stringify(text.slice(0, 200))}`, () => has(marker));
      return text;
    },
    async closed() {
      await until('the connection is closed', () => socket.destroyed || socket.readableEnded);
      socket.destroy();
      return text;
    },
  };
}

/** Sends bytes on a connection of their own and resolves with what came until it was closed. */
export async function exchangeBytes(platform: TestPlatform, bytes: string): Promise<string> {
  const connection = await openConnection(platform);
  connection.write(bytes);
  return connection.closed();
}
