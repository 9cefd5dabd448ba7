import type { Instance } from '../../model/instance.ts';
import type { Workload } from '../engine.ts';
import type { ReadyCopy } from '../runner.ts';
import type { AdoptedInstance } from '../supervisor.ts';

/** What the keeper remembers of a ready instance, so that a restarted platform can take it back. Holds no secret. */
export interface AdoptionNote {
  readonly instance: AdoptedInstance;
  readonly graceMs: number;
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
  return JSON.stringify({ instance, graceMs: settings.graceMs });
}

/** Undefined for a program that was not ready, or a note another version wrote. */
export function parseAdoptionNote(note: string | undefined): AdoptionNote | undefined {
  if (note === undefined) return undefined;
  try {
    const value = JSON.parse(note) as AdoptionNote;
    return value.instance.state === 'ready' && value.instance.address !== undefined ? value : undefined;
  } catch {
    return undefined;
  }
}
