import { setTimeout as delay } from 'node:timers/promises';

/**
 * Runs work by key: never twice at once for one key, and a key added while it runs is run once more afterwards, so
 * nothing that happened in between is missed. At most `concurrency` keys run at once, in order of arrival.
 */
export interface KeyedQueue {
  add(key: string): void;
  /** Adds the key later; an earlier appointment of the same key wins. */
  addAfter(key: string, ms: number): void;
  /** Resolves when nothing runs or waits to run; appointments do not count. */
  idle(): Promise<void>;
  /** Starts nothing more and resolves when what runs has ended. */
  close(): Promise<void>;
}

/** `run` must not reject; what it throws is lost. */
export function createKeyedQueue(run: (key: string) => Promise<void>, concurrency: number): KeyedQueue {
  return new SerialByKey(run, concurrency);
}

class SerialByKey implements KeyedQueue {
  readonly #run: (key: string) => Promise<void>;
  readonly #concurrency: number;
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #appointments = new Map<string, { readonly atMs: number; readonly timer: NodeJS.Timeout }>();
  #idle: PromiseWithResolvers<void> | undefined;
  #closed = false;

  constructor(run: (key: string) => Promise<void>, concurrency: number) {
    this.#run = run;
    this.#concurrency = concurrency;
  }

  add(key: string): void {
    if (this.#closed) return;
    this.#waiting.add(key);
    this.#next();
  }

  addAfter(key: string, ms: number): void {
    const atMs = performance.now() + ms;
    const known = this.#appointments.get(key);
    if (this.#closed || (known !== undefined && known.atMs <= atMs)) return;
    clearTimeout(known?.timer);
    const timer = setTimeout(() => {
      this.#appointments.delete(key);
      this.add(key);
    }, ms);
    timer.unref();
    this.#appointments.set(key, { atMs, timer });
  }

  async idle(): Promise<void> {
    while (this.#running.size > 0 || (this.#waiting.size > 0 && !this.#closed)) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
      await delay(0);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { timer } of this.#appointments.values()) clearTimeout(timer);
    this.#appointments.clear();
    this.#waiting.clear();
    await this.idle();
  }

  #next(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#concurrency) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.add(key);
      void this.#run(key).finally(() => this.#ended(key));
    }
  }

  #ended(key: string): void {
    this.#running.delete(key);
    this.#next();
    if (this.#running.size > 0 || this.#waiting.size > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
