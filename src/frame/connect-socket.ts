import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from 'node:fs';
import { connect, Socket, type SocketConstructorOpts } from 'node:net';
import { FrameViolation } from './violation.ts';

/** Where a runtime listens, and which user must own the socket. */
export interface SocketPlace {
  readonly socketPath: string;
  /** Numeric user. */
  readonly owner: number;
}

/** open(2), `O_PATH`: holds a file without opening it; node:fs has no name for it. */
const holdOnly = 0o10000000;

/**
 * Connects to a runtime's socket, which lies in a folder the function may write in: what is there must be a socket of
 * its user, and no link. On Linux the very file that was looked at is the one connected to, whatever happens to its name
 * meanwhile; elsewhere the look comes right before. Never throws: the socket emits `error`, a FrameViolation when the
 * place holds something else.
 */
export function connectSocket(place: SocketPlace, options: SocketConstructorOpts = {}): Socket {
  try {
    return process.platform === 'linux' ? connectHeld(place, options) : connectNamed(place, options);
  } catch (error) {
    return new Socket().destroy(error as Error);
  }
}

function connectHeld(place: SocketPlace, options: SocketConstructorOpts): Socket {
  const held = openSync(place.socketPath, holdOnly | constants.O_NOFOLLOW);
  try {
    assertSocket(place, fstatSync(held));
    // Connecting to a Unix socket is one system call that is over when `connect` returns.
    return connect({ ...options, path: `/proc/self/fd/${held}` });
  } finally {
    closeSync(held);
  }
}

function connectNamed(place: SocketPlace, options: SocketConstructorOpts): Socket {
  assertSocket(place, lstatSync(place.socketPath));
  return connect({ ...options, path: place.socketPath });
}

function assertSocket({ owner }: SocketPlace, found: Stats): void {
  if (!found.isSocket()) throw new FrameViolation('socket', 'something else stands in the place of its socket');
  if (found.uid === owner) return;
  throw new FrameViolation('socket', `a socket of user ${found.uid} stands in the place of its own, user ${owner}`);
}
