import type { RawHeaders } from '../../model/invocation.ts';
import type { FunctionKey } from '../../model/names.ts';

/** When a function is called by the clock. */
export interface Schedule {
  readonly function: FunctionKey;
  /** As it was written. */
  readonly expression: string;
  /** That of expressions that name none. */
  readonly zone: string;
  /** The first due time after a moment, both in Unix ms; undefined: never again. Pure. */
  readonly next: (afterMs: number) => number | undefined;
  readonly missed: MissedRuns;
  readonly overlap: Overlap;
  /** Whether due times pass without a call; what was missed meanwhile counts as missed. Default false. */
  readonly paused?: boolean;
  /** Default: POST of nothing to `/`. */
  readonly call?: ScheduledCall;
}

/** What the clock sends. */
export interface ScheduledCall {
  readonly method: string;
  /** Path below the function with query. */
  readonly target: string;
  readonly headers: RawHeaders;
  readonly body: Uint8Array;
}

/** After a time in which no platform ran: forget what was due then, or make up for the latest. */
export type MissedRuns = 'skip' | 'once';

/** When the run before is still waiting, running or being tried again: run beside it, or leave this one out. */
export type Overlap = 'allow' | 'skip';
