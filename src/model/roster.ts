/** Something a {@link Roster} may hold; one at a time. */
export interface RosterItem {
  /** Where it stands; -1: nowhere. The roster's alone to change. */
  place: number;
}

/**
 * Who is there, for things that come and go with every call: adding and removing cost the same however many there are,
 * and leave nothing behind. A `Set` in its place is made anew every hundred calls, and each old table keeps the next one,
 * with all it held, from the garbage collector.
 */
export class Roster<T extends RosterItem> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** Fine when it is there already. */
  add(item: T): void {
    if (item.place >= 0) return;
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** Fine when it is not there. */
  delete(item: T): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const last = this.#items.pop() as T;
    if (last === item) return;
    this.#items[place] = last;
    last.place = place;
  }

  /** Visits all, in no order; a visit may remove what it visits. */
  each(visit: (item: T) => void): void {
    for (let at = this.#items.length - 1; at >= 0; at -= 1) {
      const item = this.#items[at];
      if (item !== undefined) visit(item);
    }
  }

  clear(): void {
    for (const item of this.#items.splice(0)) item.place = -1;
  }
}
