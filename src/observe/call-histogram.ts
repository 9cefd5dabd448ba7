/** Seconds; the buckets Go's client uses by default, which OpenFaaS's dashboards expect, with finer ones below. */
export const callBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/**
 * A histogram of times that is counted in plain numbers, because it is on the path of every call: the library finds a
 * series by hashing its labels each time, which cost a twentieth of a call.
 */
export class CallHistogram {
  /** Per bucket, not cumulated; one more for what is beyond the last bound. */
  readonly #counts = new Float64Array(callBuckets.length + 1);
  #sum = 0;

  /** `seconds` is a finite number. */
  observe(seconds: number): void {
    let at = 0;
    while (at < callBuckets.length && seconds > (callBuckets[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += seconds;
  }

  /** The series' lines in Prometheus' text format; `labels` as they stand between the braces, escaped and not empty. */
  format(name: string, labels: string): string {
    let text = '';
    let total = 0;
    for (const [at, count] of this.#counts.entries()) {
      total += count;
      text += `${name}_bucket{le="${callBuckets[at] ?? '+Inf'}",${labels}} ${total}\n`;
    }
    return `${text}${name}_sum{${labels}} ${this.#sum}\n${name}_count{${labels}} ${total}\n`;
  }
}
