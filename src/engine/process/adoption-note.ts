import type { Instance } from '../../model/instance.ts';
import type { Workload } from '../engine.ts';
import type { ReadyCopy } from '../runner.ts';
import type { AdoptedInstance, DrainTimes } from '../supervisor.ts';

/** What the keeper remembers of a ready instance, so that a restarted platform can take it back. Holds no secret. */
export interface AdoptionNote {
  readonly instance: AdoptedInstance;
  readonly times: DrainTimes;
}

export function formatAdoptionNote(id: string, workload: Workload, ready: ReadyCopy): string {
  const { revision, settings } = workload;
  const instance: Instance = {
    id,
    revision,
    state: 'ready',
    concurrency: settings.concurrency,
    startedAtMs: Date.now(),
    ...ready,
  };
  const { timeoutMs, graceMs } = settings;
  const note = { instance, times: { timeoutMs, graceMs } };
  return JSON.stringify(note);
}

/** Undefined for a program that was not ready, or a note another version wrote. */
export function parseAdoptionNote(note: string | undefined): AdoptionNote | undefined {
  if (note === undefined) return undefined;
  try {
    const value = JSON.parse(note) as AdoptionNote;
    const { instance, times } = value;
    const isWhole = instance.address !== undefined && times.timeoutMs >= 0 && times.graceMs >= 0;
    return instance.state === 'ready' && isWhole ? value : undefined;
  } catch {
    return undefined;
  }
}
