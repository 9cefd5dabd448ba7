import { connect, type Socket } from 'node:net';
import { type ReplyListener, ReplyReader } from './reply-reader.ts';

/** Who a connection works for at the moment. */
export interface Exchange extends ReplyListener {
  /** The connection is of no more use, for this reason, before the reply was whole. */
  failed(error: Error): void;
  /** More of the request may be written. */
  drained(): void;
}

export interface UpstreamAddress {
  readonly host: string;
  readonly port: number;
}

/** One connection to the function's server: one exchange at a time. */
export class UpstreamConnection {
  /** Time of its last use. */
  idleSinceMs = 0;
  /** Whether an exchange came to its end on it before. */
  wasUsed = false;
  readonly #socket: Socket;
  readonly #reader = new ReplyReader();
  #exchange: Exchange | undefined;
  #onIdleEnd: () => void = () => undefined;

  constructor(address: UpstreamAddress) {
    this.#socket = connect({ ...address, noDelay: true, autoSelectFamily: true });
    this.#socket.on('data', (bytes: Buffer) => this.#read(bytes));
    this.#socket.on('drain', () => this.#exchange?.drained());
    this.#socket.on('error', (error) => this.#failed(error));
    this.#socket.on('close', () => this.#closed());
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Sends a request head; its reply, or failure, is told to the exchange. */
  begin(method: string, head: string, exchange: Exchange): void {
    this.#exchange = exchange;
    this.#reader.expect(method, exchange);
    this.#socket.write(head, 'latin1');
  }

  /** False: wait for `drained`. */
  write(bytes: Buffer | string): boolean {
    return this.#socket.write(bytes, 'latin1');
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The exchange is over and the connection may serve another; `onEnd`: the server closed it meanwhile. */
  release(nowMs: number, onEnd: () => void): void {
    this.#exchange = undefined;
    this.#onIdleEnd = onEnd;
    this.wasUsed = true;
    this.idleSinceMs = nowMs;
  }

  destroy(): void {
    this.#exchange = undefined;
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #closed(): void {
    try {
      this.#reader.closed();
    } catch (error) {
      this.#failed(error as Error);
    }
    this.#onIdleEnd();
  }

  #failed(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#socket.destroy();
    exchange?.failed(error);
  }
}
