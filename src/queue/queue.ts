import type { InvocationState } from '../model/invocation-status.ts';
import type { CallUsage, CallView, DeadLetter, FinishedAttempt, Job, LeasedJob } from './job.ts';

/**
 * What became of a leased job; `next` is stored in the same step (a callback, for example), and `record` as well. `used` is
 * what this attempt used; the queue adds it to that of earlier ones.
 */
export type Settlement = { readonly used?: CallUsage } & (
  | { readonly outcome: 'done'; readonly next: readonly Job[]; readonly record?: FinishedAttempt }
  | { readonly outcome: 'retry'; readonly atMs: number }
  | {
      readonly outcome: 'dead';
      readonly reason: string;
      readonly next: readonly Job[];
      readonly record?: FinishedAttempt;
    }
);

export interface LaneDepth {
  readonly lane: string;
  /** Jobs that are ready, delayed or leased. */
  readonly jobs: number;
  readonly bytes: number;
}

/**
 * Jobs on disk. What was appended leaves only as done, dead or cancelled, also across a crash of the platform: a job
 * that was leased then is handed out again. A backbone keeps leases alive by itself as long as its process lives, so
 * that no long call runs twice because of a timer.
 */
export interface JobQueue {
  /**
   * Stores all or none; resolves when they are on disk, with whether each was new. Rejects with `queue-full` when a lane
   * has no room, `disk-full` when the disk has none.
   */
  append(jobs: readonly Job[]): Promise<readonly boolean[]>;
  /** Up to `most` due jobs of a lane, by priority and age. */
  lease(lane: string, most: number): Promise<readonly LeasedJob[]>;
  /** Ends or puts back a leased job in one step. Resolves with false when it was not leased any more (cancelled). */
  settle(job: LeasedJob, settlement: Settlement): Promise<boolean>;
  /** Removes a job, leased or not; resolves with whether there was one. */
  cancel(id: string): Promise<boolean>;
  /** Lanes that have jobs. */
  depth(): Promise<readonly LaneDepth[]>;
  /** Calls back with a lane whenever it may have due jobs to lease, first for all that have some; returns the way to stop. */
  watch(listener: (lane: string) => void): () => void;
  readonly deadLetters: DeadLetters;
  readonly history: History;
  /** Calls back with jobs that are leased here and were cancelled by another process. Absent: no other can. */
  watchCanceled?(listener: (id: string) => void): void;
  /** What keeps it, and what it cannot promise. */
  readonly backbone: Backbone;
  /** Finishes what was accepted, then lets go. Idempotent. */
  close(): Promise<void>;
}

/** Jobs that were given up, newest first. */
export interface DeadLetters {
  /** Those of a lane, or all; without bodies. At most `limit`, of those that died before `beforeMs`. */
  list(filter: {
    readonly lane?: string;
    readonly limit: number;
    readonly beforeMs?: number;
  }): Promise<readonly DeadLetter[]>;
  get(id: string): Promise<DeadLetter | undefined>;
  /** Puts it back into its lane as a new job with all its attempts; resolves with whether there was one. */
  replay(id: string): Promise<boolean>;
  /** Removes one, or all of a lane; resolves with how many. */
  purge(what: { readonly id: string } | { readonly lane: string }): Promise<number>;
}

/** Every call the queue knows, whatever its state. */
export interface History {
  get(id: string): Promise<CallView | undefined>;
  /** The newest of those that match, at most `limit`, newest first; without responses. */
  list(filter: {
    readonly lane?: string;
    readonly states?: readonly InvocationState[];
    readonly limit: number;
  }): Promise<readonly CallView[]>;
}

/** What keeps a queue. */
export interface Backbone {
  readonly name: 'sqlite' | 'nats';
  /** Where and in which version, fit to be printed. */
  readonly about: string;
  /** Promises it keeps only in part, a sentence each. */
  readonly limits: readonly string[];
}

/** Bounds of a queue. */
export interface QueueLimits {
  /** Jobs of one lane; more are refused. */
  readonly laneJobs: number;
  /** Bytes of bodies of one lane. */
  readonly laneBytes: number;
  /** Dead letters kept; the oldest go first. */
  readonly deadLetters: number;
  /** Longest a dead letter is kept, in ms. */
  readonly deadLettersMs: number;
  /** Calls that are over and are kept; the oldest go first. */
  readonly history: number;
  /** Longest a call that is over is kept, in ms. */
  readonly historyMs: number;
}
