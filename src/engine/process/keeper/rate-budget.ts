/** A bucket that fills at `perSecond` and holds one second's worth. Time is given, so that it can be tested. */
export class RateBudget {
  readonly #perSecond: number;
  #left: number;
  #filledAtMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#filledAtMs = nowMs;
  }

  /** What may still be spent now. */
  left(nowMs: number): number {
    const gained = ((nowMs - this.#filledAtMs) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#perSecond, this.#left + gained);
    this.#filledAtMs = nowMs;
    return this.#left;
  }

  spend(amount: number): void {
    this.#left -= amount;
  }
}
