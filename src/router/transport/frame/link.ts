import type { Socket } from 'node:net';
import { connectSocket, type SocketPlace } from '../../../frame/connect-socket.ts';
import { FrameConnection } from '../../../frame/connection.ts';
import type { HeadText } from '../../../frame/head-text.ts';
import { frameType } from '../../../frame/messages.ts';
import type { FrameStream, StreamListener } from '../../../frame/stream.ts';
import { FrameViolation } from '../../../frame/violation.ts';

const readBytes = 64 * 1024;

/** One connection to a runtime: connecting, in use, draining (its calls end, no new ones), gone. */
export class FrameLink {
  readonly #socket: Socket;
  readonly #connection: FrameConnection;
  #connected = false;
  #draining = false;

  /** `onClose` hears once that it is gone, with the violation when the peer broke a rule. */
  constructor(place: SocketPlace, onClose: (violation: FrameViolation | undefined) => void) {
    this.#socket = connectSocket(place, {
      onread: {
        buffer: Buffer.allocUnsafeSlow(readBytes),
        callback: (length, buffer) => {
          this.#connection.receive(buffer as Buffer, length);
          return true;
        },
      },
    });
    this.#socket.once('connect', () => (this.#connected = true));
    this.#connection = new FrameConnection(this.#socket, {
      side: 'router',
      role: 'router',
      reusesBuffer: true,
      events: {
        message: (type) => {
          if (type !== frameType.drain) throw new FrameViolation('state', 'ready without specialise');
          this.#draining = true;
          this.#endIfIdle();
        },
        closed: (reason) => onClose(reason instanceof FrameViolation ? reason : undefined),
      },
    });
  }

  get canOpen(): boolean {
    return !this.#draining && this.#connection.canOpen;
  }

  /** Number that `wasSent` compares: the flush that takes what is written now. */
  get flushes(): number {
    return this.#connection.flushes;
  }

  /** Throws FrameViolation when the head cannot be sent. */
  open(head: HeadText, end: boolean, listener: StreamListener): FrameStream {
    return this.#connection.open(head, end, listener);
  }

  /** Calls back once it is connected, at once when it is; never when it cannot be. */
  whenConnected(ready: () => void): void {
    if (this.#connected) ready();
    else this.#socket.once('connect', ready);
  }

  /** Whether something written when `flushes` had this value may have reached the instance. */
  wasSent(flushes: number): boolean {
    return this.#connected && this.#connection.flushes > flushes;
  }

  /** A call on it ended; a draining link closes with its last one. */
  released(): void {
    if (this.#draining) this.#endIfIdle();
  }

  close(): void {
    this.#connection.fail(undefined);
  }

  #endIfIdle(): void {
    if (this.#connection.size === 0) this.#connection.end();
  }
}
