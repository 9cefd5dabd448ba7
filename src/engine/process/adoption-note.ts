import type { Workload } from '../engine.ts';
import type { ReadyCopy } from '../runner.ts';
import type { AdoptedInstance, DrainTimes } from '../supervisor.ts';

/** What the keeper remembers of a ready instance, so that a restarted platform can take it back. Holds no secret. */
export interface AdoptionNote {
  readonly instance: AdoptedInstance;
  readonly times: DrainTimes;
  /** Paths in `runDir/runtime` it runs from. */
  readonly uses: readonly string[];
}

export function formatAdoptionNote(id: string, workload: Workload, ready: ReadyCopy, uses: readonly string[]): string {
  const { revision, settings } = workload;
  const instance: AdoptedInstance = {
    id,
    revision,
    state: 'ready',
    concurrency: settings.concurrency,
    startedAtMs: Date.now(),
    ...ready,
  };
  const { timeoutMs, graceMs } = settings;
  const note: AdoptionNote = { instance, times: { timeoutMs, graceMs }, uses };
  return JSON.stringify(note);
}

/** Undefined for a program that was not ready, or a note another version wrote. */
export function parseAdoptionNote(note: string | undefined): AdoptionNote | undefined {
  if (note === undefined) return undefined;
  try {
    const value = JSON.parse(note) as AdoptionNote;
    const { instance, times, uses } = value;
    const isWhole = instance.address !== undefined && times.timeoutMs >= 0 && times.graceMs >= 0 && Array.isArray(uses);
    return instance.state === 'ready' && isWhole ? value : undefined;
  } catch {
    return undefined;
  }
}
