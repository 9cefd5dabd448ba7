/** Something that is due at a time, or never again. */
export interface Due {
  dueMs: number | undefined;
}

interface Item<T> {
  readonly dueMs: number;
  readonly value: T;
}

/** Beyond so many outdated items and as many as are valid, the heap is made anew. */
const spare = 64;

/**
 * What is due next among thousands, without looking at all of them: a binary heap. An item whose `dueMs` was changed after
 * it was added is outdated; it is dropped when its turn comes.
 */
export class DueHeap<T extends Due> {
  #items: Item<T>[] = [];

  /** Adds it under its present due time; one that is never due is not taken. */
  add(value: T): void {
    const { dueMs } = value;
    if (dueMs === undefined) return;
    this.#items.push({ dueMs, value });
    this.#rise(this.#items.length - 1);
  }

  /** When the next one is due; undefined: none is. */
  nextMs(): number | undefined {
    for (;;) {
      const [first] = this.#items;
      if (first === undefined || first.value.dueMs === first.dueMs) return first?.dueMs;
      this.#removeFirst();
    }
  }

  /** Takes out the one that is due first, if that is not after `nowMs`. */
  take(nowMs: number): T | undefined {
    const nextMs = this.nextMs();
    return nextMs === undefined || nextMs > nowMs ? undefined : this.#removeFirst();
  }

  /** Drops outdated items when there are many; `valid`: how many values there are. */
  trim(valid: number): void {
    if (this.#items.length <= 2 * valid + spare) return;
    const values = new Set(this.#items.filter(({ dueMs, value }) => value.dueMs === dueMs).map(({ value }) => value));
    this.#items = [];
    for (const value of values) this.add(value);
  }

  #removeFirst(): T | undefined {
    const [first] = this.#items;
    const last = this.#items.pop();
    if (last !== undefined && this.#items.length > 0) {
      this.#items[0] = last;
      this.#sink();
    }
    return first?.value;
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#dueAt(above) <= this.#dueAt(at)) return;
      this.#swap(above, at);
      at = above;
    }
  }

  #sink(): void {
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const least = this.#dueAt(left + 1) < this.#dueAt(left) ? left + 1 : left;
      if (this.#dueAt(least) >= this.#dueAt(at)) return;
      this.#swap(least, at);
      at = least;
    }
  }

  #dueAt(at: number): number {
    return this.#items[at]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#items[a], this.#items[b]];
    if (one === undefined || other === undefined) return;
    this.#items[a] = other;
    this.#items[b] = one;
  }
}
