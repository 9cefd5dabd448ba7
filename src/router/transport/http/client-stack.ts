import type { Client } from 'undici';
import type { HttpAddress } from '../http.ts';
import { assertInstance } from './assert-instance.ts';
import { loadUndiciClient, type UndiciParts } from './undici-client.ts';

/** Largest header section of a reply; more ends the call with `bad-reply`. */
const replyHeaderBytes = 64 * 1024;
/** Unused clients kept; their connections end by themselves after some seconds of silence. */
const keptIdle = 256;

/**
 * Clients of one instance, one call at a time each. The one used last is taken first: finding a free one costs the same
 * with one call under way as with a thousand, and connections not needed go quiet and close.
 */
export class ClientStack {
  readonly #origin: string;
  readonly #idle: Client[] = [];
  readonly #all = new Set<Client>();
  readonly #undici: UndiciParts;
  readonly #connect: ReturnType<UndiciParts['buildConnector']>;

  constructor(origin: string, peer: Pick<HttpAddress, 'isInstance'>) {
    this.#origin = origin;
    this.#undici = loadUndiciClient();
    const connect = this.#undici.buildConnector({ timeout: 10_000 });
    this.#connect = (options, callback) => {
      connect(options, (...[error, socket]) => {
        if (error !== null) return callback(error, null);
        assertInstance(socket, peer).then(
          () => callback(null, socket),
          (stranger: Error) => callback(stranger, null),
        );
      });
    };
  }

  take(): Client {
    return this.#idle.pop() ?? this.#open();
  }

  /** Gives a client back once its call ended, however it ended. */
  give(client: Client): void {
    if (this.#idle.length < keptIdle) {
      this.#idle.push(client);
      return;
    }
    this.#all.delete(client);
    void client.close();
  }

  /** Ends all connections; calls on them fail with this error. */
  destroy(error: Error): void {
    for (const client of this.#all) void client.destroy(error);
    this.#all.clear();
    this.#idle.length = 0;
  }

  #open(): Client {
    const client = new this.#undici.Client(this.#origin, {
      connect: this.#connect,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: replyHeaderBytes,
    });
    this.#all.add(client);
    return client;
  }
}
