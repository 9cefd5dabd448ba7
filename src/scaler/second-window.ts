/** Samples of one second. */
interface Bucket {
  readonly second: number;
  sum: number;
  samples: number;
  max: number;
}

/**
 * Samples in buckets of a second, as Knative's autoscaler keeps them. Windows end now and begin whole seconds ago; a second
 * without a sample counts as 0, and a window that reaches back beyond the first sample is as long as what it covers.
 */
export interface SecondWindow {
  /** Notes the value of something at one moment; samples of one second are averaged. */
  note(nowMs: number, value: number): void;
  /** Notes that something happened `count` times since the last note; the counts of one second are added up. */
  count(nowMs: number, count: number): void;
  /** Mean of the seconds of a window. */
  mean(nowMs: number, windowMs: number): number;
  /** Mean number of times per second. */
  rate(nowMs: number, windowMs: number): number;
  /** Highest sample of a window. */
  max(nowMs: number, windowMs: number): number;
}

/** `keepMs`: length of the longest window that is asked for. */
export function createSecondWindow(keepMs: number): SecondWindow {
  let buckets: Bucket[] = [];
  let firstSecond: number | undefined;

  function bucketAt(nowMs: number): Bucket {
    const second = Math.floor(nowMs / 1_000);
    firstSecond ??= second;
    const last = buckets.at(-1);
    if (last?.second === second) return last;
    const fresh = { second, sum: 0, samples: 0, max: 0 };
    const oldest = second - Math.ceil(keepMs / 1_000);
    const from = buckets.findIndex((bucket) => bucket.second > oldest);
    buckets = [...(from < 0 ? [] : buckets.slice(from)), fresh];
    return fresh;
  }

  function over(nowMs: number, windowMs: number, valueOf: (bucket: Bucket) => number): number {
    if (firstSecond === undefined) return 0;
    const second = Math.floor(nowMs / 1_000);
    const seconds = Math.max(1, Math.round(windowMs / 1_000));
    let sum = 0;
    for (const bucket of buckets) {
      if (bucket.second > second - seconds && bucket.second <= second) sum += valueOf(bucket);
    }
    return sum / Math.max(1, Math.min(seconds, second - firstSecond + 1));
  }

  return {
    note(nowMs, value) {
      const bucket = bucketAt(nowMs);
      bucket.sum += value;
      bucket.samples += 1;
      bucket.max = Math.max(bucket.max, value);
    },
    count(nowMs, count) {
      bucketAt(nowMs).sum += count;
    },
    mean: (nowMs, windowMs) => over(nowMs, windowMs, ({ sum, samples }) => (samples === 0 ? 0 : sum / samples)),
    rate: (nowMs, windowMs) => over(nowMs, windowMs, ({ sum }) => sum),
    max(nowMs, windowMs) {
      const from = Math.floor(nowMs / 1_000) - Math.max(1, Math.round(windowMs / 1_000));
      return buckets.reduce((most, bucket) => (bucket.second > from ? Math.max(most, bucket.max) : most), 0);
    },
  };
}
