/** Seconds; the buckets Go's client uses by default, which OpenFaaS's dashboards expect, with finer ones below. */
export const callBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** One call of a bucket, told with it where the format has room for such (OpenMetrics 1.0, "Exemplars"). */
interface Exemplar {
  readonly id: string;
  readonly seconds: number;
  readonly atMs: number;
}

/**
 * A histogram of times that is counted in plain numbers, because it is on the path of every call: the library finds a
 * series by hashing its labels each time, which cost a twentieth of a call.
 *
 * With exemplars it keeps one call per bucket: the first one since the bucket was last shown. So a call costs a comparison
 * here, and only the first of a bucket after a scrape costs more.
 */
export class CallHistogram {
  /** Per bucket, not cumulated; one more for what is beyond the last bound. */
  readonly #counts = new Float64Array(callBuckets.length + 1);
  /** Whether the exemplar of a bucket was not shown yet, so that it stays. */
  readonly #fresh = new Uint8Array(callBuckets.length + 1);
  #exemplars: (Exemplar | undefined)[] | undefined;
  #sum = 0;

  /** `seconds` is a finite number; `id` that of the call, where exemplars are wanted. */
  observe(seconds: number, id?: string): void {
    let at = 0;
    while (at < callBuckets.length && seconds > (callBuckets[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += seconds;
    if (id !== undefined && this.#fresh[at] === 0) this.#keep(at, { id, seconds, atMs: Date.now() });
  }

  /**
   * The series' lines in Prometheus' text format; `labels` as they stand between the braces, escaped and not empty. With
   * `exemplars` each bucket that has one ends with it.
   */
  format(name: string, labels: string, exemplars = false): string {
    let text = '';
    let total = 0;
    for (const [at, count] of this.#counts.entries()) {
      total += count;
      text += `${name}_bucket{le="${callBuckets[at] ?? '+Inf'}",${labels}} ${total}`;
      text += exemplars ? `${this.#show(at)}\n` : '\n';
    }
    return `${text}${name}_sum{${labels}} ${this.#sum}\n${name}_count{${labels}} ${total}\n`;
  }

  #keep(at: number, exemplar: Exemplar): void {
    this.#exemplars ??= Array.from({ length: callBuckets.length + 1 }, () => undefined);
    this.#exemplars[at] = exemplar;
    this.#fresh[at] = 1;
  }

  #show(at: number): string {
    const found = this.#exemplars?.[at];
    if (found === undefined) return '';
    this.#fresh[at] = 0;
    return ` # {call_id="${found.id}"} ${found.seconds} ${found.atMs / 1000}`;
  }
}
