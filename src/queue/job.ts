import type { FunctionKey } from '../model/names.ts';
import type { RawHeaders } from '../model/invocation.ts';
import type { InvocationState } from '../model/invocation-status.ts';

/** What a payload holds of its time. */
interface Since {
  /**
   * When it was first meant to run, in Unix ms, where that is later than it was made: it was put off by who sent it, or is a
   * dead letter that was replayed. Its age counts from then.
   */
  readonly sinceMs?: number;
}

/** A call of a function that nobody waits for. */
export interface CallPayload extends Since {
  readonly kind: 'call';
  readonly function: FunctionKey;
  readonly method: string;
  readonly target: string;
  readonly headers: RawHeaders;
  /** Where the answer goes; absent: nowhere. */
  readonly callbackUrl?: string;
  /** Why somebody else gave it up before it was stored: it becomes a dead letter at once, and is called when replayed. */
  readonly givenUp?: string;
}

/** The answer of a call on its way to whoever asked for it. */
export interface CallbackPayload extends Since {
  readonly kind: 'callback';
  readonly url: string;
  readonly headers: RawHeaders;
}

export type JobPayload = CallPayload | CallbackPayload;

/**
 * Ids of jobs that are derived: schedules, messages, idempotency keys, and callbacks. No client may choose one, or the
 * job whose id it is would be taken for a repeat.
 */
export const derivedId = /^(?:cron|key|nats)-|\.callback$/;

/** Something that is stored until it is done. Times are Unix time in milliseconds. */
export interface Job {
  /** Derived (call id, schedule and due time, …): appending the same id again makes no second job. See {@link derivedId}. */
  readonly id: string;
  /** Whose turn it is taken in and whose bounds it counts against: jobs of one lane never hold up another's. */
  readonly lane: string;
  /** -9 to 9; higher goes first within its lane. */
  readonly priority: number;
  readonly dueMs: number;
  readonly createdMs: number;
  /** Until then the id is known, also after the job is over; 0: only while it is stored. */
  readonly rememberMs: number;
  readonly payload: JobPayload;
  readonly body: Uint8Array;
  /** What no second job is made for until then, also when this one is over and its id is free again. */
  readonly once?: { readonly id: string; readonly untilMs: number };
  /** Jobs its lane may hold, this one included; absent: what the queue allows. Looked at when it is stored, not kept. */
  readonly laneJobs?: number;
}

/** A job somebody works on. Nobody else gets it as long as the process that leased it lives. */
export interface LeasedJob extends Job {
  /** Counts leases, from 1; a settlement with an older number is void. */
  readonly attempt: number;
}

/** A job that was given up, kept with the reason. */
export interface DeadLetter extends Omit<LeasedJob, 'rememberMs'> {
  readonly diedMs: number;
  readonly reason: string;
}

/** How the last attempt of a call ended, as far as it is kept. */
export interface FinishedAttempt {
  readonly status: number;
  readonly durationMs: number;
  /** The beginning of the answer. */
  readonly response: Uint8Array;
  readonly truncated: boolean;
}

/** What attempts used: time in an instance, each rounded up to whole milliseconds, and that in s × memory limit in GiB. */
export interface CallUsage {
  readonly billedMs: number;
  readonly gbSeconds: number;
}

/** A call as its history shows it. */
export interface CallView {
  readonly id: string;
  readonly lane: string;
  readonly state: InvocationState;
  readonly createdMs: number;
  /** While it waits. */
  readonly dueMs?: number;
  /** When the last attempt began; absent: none has. */
  readonly startedMs?: number;
  readonly finishedMs?: number;
  readonly attempts: number;
  /** Of all attempts that ended. */
  readonly used: CallUsage;
  /** Why it was given up. */
  readonly reason?: string;
  /** Once it is done, or given up. */
  readonly last?: FinishedAttempt;
}
