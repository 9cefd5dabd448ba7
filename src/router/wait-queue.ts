/** One place in a {@link WaitQueue}; whoever waits keeps it to leave early. */
export interface Place<T> {
  readonly value: T;
  next: Place<T> | undefined;
  previous: Place<T> | undefined;
  queued: boolean;
}

/** First in, first out, and leaving from anywhere costs the same. */
export class WaitQueue<T> {
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: T): Place<T> {
    const place: Place<T> = { value, next: undefined, previous: this.#last, queued: true };
    if (this.#last === undefined) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
    this.#length += 1;
    return place;
  }

  /** Puts somebody before all others: one who already had a turn that came to nothing. */
  pushFront(value: T): Place<T> {
    const place: Place<T> = { value, next: this.#first, previous: undefined, queued: true };
    if (this.#first === undefined) this.#last = place;
    else this.#first.previous = place;
    this.#first = place;
    this.#length += 1;
    return place;
  }

  shift(): T | undefined {
    const place = this.#first;
    if (place === undefined) return undefined;
    this.remove(place);
    return place.value;
  }

  /** Whether it was still queued. */
  remove(place: Place<T>): boolean {
    if (!place.queued) return false;
    place.queued = false;
    if (place.previous === undefined) this.#first = place.next;
    else place.previous.next = place.next;
    if (place.next === undefined) this.#last = place.previous;
    else place.next.previous = place.previous;
    // One that V8 counts as old by now would keep the next alive until the next major collection, and so all that follow.
    place.next = undefined;
    place.previous = undefined;
    this.#length -= 1;
    return true;
  }
}
