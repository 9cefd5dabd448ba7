/** Who hears of lanes with work; what nobody heard yet is told to the first who listens. */
export class LaneListeners {
  readonly #listeners = new Set<(lane: string) => void>();
  #unheard = new Set<string>();

  tell(lane: string): void {
    if (this.#listeners.size === 0) this.#unheard.add(lane);
    for (const listener of this.#listeners) listener(lane);
  }

  /** Returns the way to stop. */
  add(listener: (lane: string) => void): () => void {
    this.#listeners.add(listener);
    const unheard = this.#unheard;
    this.#unheard = new Set();
    for (const lane of unheard) listener(lane);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
