import { sharedQueue } from '../model/queue-name.ts';

/** What is set for a dedicated queue. */
export interface DedicatedQueue {
  /** Calls of all its functions that run at once. */
  readonly atOnce: number;
  /** Stored calls of one of its functions; absent: as everywhere. */
  readonly laneJobs?: number;
}

/** How many calls the queue of functions without a queue of their own runs at once. */
const sharedAtOnce = 512;
/** The same of a dedicated queue nothing is set for: `max_inflight` of OpenFaaS's chart. */
export const dedicatedAtOnce = 50;

/** What holds for the queue of this name. */
export function resolveWorkQueue(name: string, dedicated: ReadonlyMap<string, DedicatedQueue>): DedicatedQueue {
  return dedicated.get(name) ?? { atOnce: name === sharedQueue ? sharedAtOnce : dedicatedAtOnce };
}
