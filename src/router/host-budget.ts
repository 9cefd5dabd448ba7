import { TinderboxError } from '../model/errors.ts';

/** What all waiting calls of the host together may take. */
export interface RouterBudget {
  /** Calls that wait for a slot, over all functions. */
  readonly waitingCalls: number;
  /** Bytes of request bodies held in memory by waiting calls. */
  readonly bufferedBytes: number;
}

const retryAfterMs = 1000;

/** Counts what waits against the host's budget; one writer, no waiting. */
export class HostBudget {
  readonly #limits: RouterBudget;
  #calls = 0;
  #bytes = 0;

  constructor(limits: RouterBudget) {
    this.#limits = limits;
  }

  /** Takes room for one waiting call. Throws `host-full`, naming the limit, when there is none. */
  take(bytes: number): void {
    if (this.#calls >= this.#limits.waitingCalls) throw full('calls wait for an instance', this.#limits.waitingCalls);
    if (this.#bytes + bytes > this.#limits.bufferedBytes) {
      throw full('bytes of waiting requests are held', this.#limits.bufferedBytes);
    }
    this.#calls += 1;
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    this.#calls -= 1;
    this.#bytes -= bytes;
  }
}

function full(what: string, limit: number): TinderboxError {
  return new TinderboxError('host-full', `this host is full: ${what}, the limit is ${limit}`, { retryAfterMs });
}
