import type { FunctionKey } from '../../model/names.ts';

/** When a function is called by the clock. */
export interface Schedule {
  readonly function: FunctionKey;
  /** As it was written. */
  readonly expression: string;
  /** The first due time after a moment, both in Unix ms; undefined: never again. Pure. */
  readonly next: (afterMs: number) => number | undefined;
  readonly missed: MissedRuns;
  readonly overlap: Overlap;
}

/** After a time in which no platform ran: forget what was due then, or make up for the latest. */
export type MissedRuns = 'skip' | 'once';

/** When the run before is still waiting, running or being tried again: run beside it, or leave this one out. */
export type Overlap = 'allow' | 'skip';
