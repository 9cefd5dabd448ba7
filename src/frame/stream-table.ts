import type { FrameStream } from './stream.ts';

const leastBuckets = 64;

/**
 * The open streams of a connection by their number. A hash table whose entries are the streams themselves: adding and
 * removing allocate nothing. A `Map` that gains and loses an entry per call is made anew every hundred calls, and each
 * old table keeps the next one, with all it held, from the garbage collector: a tenth of a call.
 */
export class StreamTable {
  #buckets: (FrameStream | undefined)[] = Array.from({ length: leastBuckets }, () => undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): FrameStream | undefined {
    let stream = this.#buckets[id & (this.#buckets.length - 1)];
    while (stream !== undefined && stream.id !== id) stream = stream.nextInBucket;
    return stream;
  }

  /** Adds a stream whose number is not in the table. */
  add(stream: FrameStream): void {
    if (this.#size >= this.#buckets.length) this.#grow();
    this.#size += 1;
    this.#link(stream);
  }

  /** Fine when there is no such stream. */
  delete(id: number): void {
    const bucket = id & (this.#buckets.length - 1);
    let before: FrameStream | undefined;
    let stream = this.#buckets[bucket];
    while (stream !== undefined && stream.id !== id) {
      before = stream;
      stream = stream.nextInBucket;
    }
    if (stream === undefined) return;
    if (before === undefined) this.#buckets[bucket] = stream.nextInBucket;
    else before.nextInBucket = stream.nextInBucket;
    stream.nextInBucket = undefined;
    this.#size -= 1;
  }

  /** Takes all out, in no order. */
  drain(): FrameStream[] {
    const all: FrameStream[] = [];
    for (let stream of this.#buckets) {
      for (; stream !== undefined; stream = stream.nextInBucket) all.push(stream);
    }
    this.#buckets.fill(undefined);
    this.#size = 0;
    for (const stream of all) stream.nextInBucket = undefined;
    return all;
  }

  #link(stream: FrameStream): void {
    const bucket = stream.id & (this.#buckets.length - 1);
    stream.nextInBucket = this.#buckets[bucket];
    this.#buckets[bucket] = stream;
  }

  #grow(): void {
    const { length } = this.#buckets;
    const all = this.drain();
    this.#buckets = Array.from({ length: 2 * length }, () => undefined);
    this.#size = all.length;
    for (const stream of all) this.#link(stream);
  }
}
