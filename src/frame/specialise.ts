import { connectSocket, type SocketPlace } from './connect-socket.ts';
import { FrameConnection } from './connection.ts';
import { frameType, type Ready, type Specialise } from './messages.ts';
import { FrameViolation } from './violation.ts';

const maxReasonChars = 16 * 1024;
const styleText = /^[a-z0-9-]{1,32}$/;

/**
 * Makes the generic runtime that listens at `place` one function: connects, says hello, specialises, and closes the
 * connection when the answer is there. Resolves also when the handler cannot be loaded (`ok: false` and why). Rejects
 * with FrameViolation when the peer breaks the protocol, with the socket's error when it cannot be reached or goes away,
 * and with the signal's reason.
 */
export function specialiseInstance(place: SocketPlace, specialise: Specialise, signal?: AbortSignal): Promise<Ready> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Ready>();
  const socket = connectSocket(place);
  const connection = new FrameConnection(socket, {
    side: 'router',
    role: 'engine',
    reusesBuffer: false,
    events: {
      message(type, payload) {
        if (type !== frameType.ready) return;
        resolve(parseReady(payload.toString()));
        connection.end();
      },
      closed: (reason) => reject(reason ?? new Error('the runtime closed the connection before it was ready')),
    },
  });
  socket.on('data', (bytes: Buffer) => connection.receive(bytes));
  connection.message(frameType.specialise, { ...specialise, socket: place.socketPath } satisfies Specialise);
  const abort = (): void => connection.fail(signal?.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  return promise.finally(() => signal?.removeEventListener('abort', abort));
}

/** The runtime is a hostile peer: only the fields we know, within their limits. Throws FrameViolation. */
function parseReady(text: string): Ready {
  let value: Partial<Ready> | null;
  try {
    value = JSON.parse(text) as Partial<Ready> | null;
  } catch {
    throw new FrameViolation('text', 'ready is not JSON');
  }
  if (typeof value !== 'object' || value === null || typeof value.ok !== 'boolean') {
    throw new FrameViolation('text', 'ready does not say whether it is ok');
  }
  const { ok, reason, style } = value;
  if (style !== undefined && (typeof style !== 'string' || !styleText.test(style))) {
    throw new FrameViolation('text', 'ready names a style that is not a word');
  }
  return {
    ok,
    ...(typeof reason === 'string' ? { reason: reason.slice(0, maxReasonChars) } : {}),
    ...(style === undefined ? {} : { style }),
  };
}
