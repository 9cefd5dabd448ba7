import type { Artifact } from '../model/artifact.ts';
import { TinderboxError } from '../model/errors.ts';

const keptLines = 2000;

/** One build in progress that any number of callers wait for; the last one to leave cancels it. */
export interface Flight {
  /** Replays the log so far, then passes it on. Rejects with `canceled` when `signal` aborts. */
  join(onLog: (line: string) => void, signal: AbortSignal): Promise<Artifact>;
  /** Whether everybody left: it only ends now, and cannot be joined any more. */
  readonly abandoned: boolean;
  /** Resolves when it ended, however it did. */
  readonly settled: Promise<void>;
}

/** Starts `run` at once. Callers that join get its result, whatever it is. */
export function createFlight(run: (log: (line: string) => void, signal: AbortSignal) => Promise<Artifact>): Flight {
  const control = new AbortController();
  const log: string[] = [];
  const listeners = new Set<(line: string) => void>();
  const result = run((line) => {
    if (log.length < keptLines) log.push(line);
    for (const listener of listeners) listener(line);
  }, control.signal);
  const settled = result.then(
    () => undefined,
    () => undefined,
  );
  return {
    get abandoned() {
      return control.signal.aborted;
    },
    settled,
    async join(onLog, signal) {
      // A function of its own, so that a caller that joins twice is counted twice.
      const listener = (line: string): void => onLog(line);
      for (const line of log) onLog(line);
      listeners.add(listener);
      const left = Promise.withResolvers<never>();
      const leave = (): void => left.reject(new TinderboxError('canceled', 'the build was canceled'));
      signal.addEventListener('abort', leave, { once: true });
      if (signal.aborted) leave();
      try {
        return await Promise.race([result, left.promise]);
      } finally {
        signal.removeEventListener('abort', leave);
        listeners.delete(listener);
        if (listeners.size === 0) {
          control.abort();
          // Whoever was last hears of the end when nothing of the build is left.
          await settled;
        }
      }
    },
  };
}
