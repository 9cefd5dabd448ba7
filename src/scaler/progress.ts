/** How fast the calls of a revision get done. */
export interface Progress {
  /** Notes how many calls have ended since the beginning of time; asked for several times a second while there are any. */
  note(nowMs: number, completed: number): void;
  /**
   * Calls done per millisecond over the last second; 0: none. Infinity for the first second in which calls get done: what
   * has just begun is still being compiled and cached, and is no measure yet. Undefined when nothing was noted lately.
   */
  perMs(nowMs: number): number | undefined;
}

interface Sample {
  readonly atMs: number;
  readonly completed: number;
}

/** How far back the rate is measured. */
const spanMs = 1_000;

export function createProgress(): Progress {
  let samples: Sample[] = [];
  let movingSinceMs: number | undefined;
  return {
    note(nowMs, completed) {
      const last = samples.at(-1);
      const pause = last === undefined || nowMs - last.atMs > spanMs;
      if (pause) {
        // What was done since the last look, however long ago, was done since now.
        samples = [{ atMs: nowMs, completed: last?.completed ?? 0 }];
        movingSinceMs = undefined;
      }
      if (completed > (samples.at(-1)?.completed ?? 0)) movingSinceMs ??= samples.at(-1)?.atMs;
      // The newest of those that are too old stays: the rate is measured from it.
      const from = samples.findLastIndex((sample) => sample.atMs <= nowMs - spanMs);
      samples = [...samples.slice(Math.max(0, from)), { atMs: nowMs, completed }];
    },
    perMs(nowMs) {
      const [first] = samples;
      const last = samples.at(-1);
      if (first === undefined || last === undefined || nowMs - last.atMs > spanMs) return undefined;
      const done = last.completed - first.completed;
      if (done === 0) return 0;
      if (nowMs - (movingSinceMs ?? nowMs) < spanMs) return Number.POSITIVE_INFINITY;
      return done / Math.max(1, last.atMs - first.atMs);
    },
  };
}
