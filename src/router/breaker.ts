import { TinderboxError } from '../model/errors.ts';

const firstBackOffMs = 1000;
const longestBackOffMs = 30_000;

/**
 * Keeps a function that cannot start from being started again for every call: after a failure it stays open for 1 s,
 * then 2, 4, … up to 30 s. Time is given by the caller.
 */
export class Breaker {
  #failures = 0;
  #openUntilMs = 0;
  #reason = '';

  /** An attempt to start failed. */
  failed(reason: string, nowMs: number): void {
    const backOffMs = Math.min(firstBackOffMs * 2 ** this.#failures, longestBackOffMs);
    this.#failures += 1;
    this.#openUntilMs = nowMs + backOffMs;
    this.#reason = reason;
  }

  /** An instance answered a call: whatever was wrong is over. */
  succeeded(): void {
    this.#failures = 0;
    this.#openUntilMs = 0;
  }

  /** What callers get while it is open, with the time left as Retry-After; undefined when a start may be tried. */
  refusal(nowMs: number): TinderboxError | undefined {
    const leftMs = this.#openUntilMs - nowMs;
    if (leftMs <= 0) return undefined;
    return new TinderboxError('cannot-start', this.#reason, { retryAfterMs: leftMs });
  }
}
