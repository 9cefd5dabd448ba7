import { type Socket, connect } from 'node:net';
import { TinderboxError } from '../../model/errors.ts';
import { readJsonLines, writeJsonLine } from './keeper/json-lines.ts';
import type { KeeperErrorCode, KeeperEvent, KeeperReply, KeeperRequest, KeeperResults } from './keeper/protocol.ts';

interface Waiting {
  resolve(result: unknown): void;
  reject(error: TinderboxError): void;
}

/** One connection to a keeper: requests, their answers, and events. */
export class KeeperClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #seq = 0;
  #onEvent: (event: KeeperEvent) => void = () => undefined;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    readJsonLines(socket, (message) => this.#take(message as KeeperReply | KeeperEvent));
    socket.on('error', () => socket.destroy());
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        const lost = new TinderboxError('unavailable', 'the connection to the keeper process was lost');
        for (const waiting of this.#waiting.values()) waiting.reject(lost);
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** Undefined when nobody listens at the path. */
  static connect(path: string): Promise<KeeperClient | undefined> {
    return new Promise((resolve) => {
      const socket = connect(path);
      socket.once('error', () => resolve(undefined));
      socket.once('connect', () => resolve(new KeeperClient(socket)));
    });
  }

  set onEvent(listener: (event: KeeperEvent) => void) {
    this.#onEvent = listener;
  }

  /** Rejects with `conflict` when another platform holds the keeper, `unavailable` when it is gone. */
  request<Op extends KeeperRequest['op']>(
    request: Extract<KeeperRequest, { readonly op: Op }>,
  ): Promise<KeeperResults[Op]> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new TinderboxError('unavailable', 'the keeper process is gone'));
        return;
      }
      this.#seq += 1;
      this.#waiting.set(this.#seq, { resolve, reject });
      writeJsonLine(this.#socket, { seq: this.#seq, ...request });
    }) as Promise<KeeperResults[Op]>;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(message: KeeperReply | KeeperEvent): void {
    if ('event' in message) {
      this.#onEvent(message);
      return;
    }
    const waiting = this.#waiting.get(message.seq);
    this.#waiting.delete(message.seq);
    if ('error' in message) waiting?.reject(refusalError(message.code, message.error));
    else waiting?.resolve(message.result);
  }
}

function refusalError(code: KeeperErrorCode, text: string): TinderboxError {
  if (code === 'busy') return new TinderboxError('conflict', `keeper: ${text}`);
  return new TinderboxError(code === 'refused' ? 'forbidden' : 'cannot-start', `keeper: ${text}`);
}
