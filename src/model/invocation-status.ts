/** States of a stored call; `delayed`: not due yet, or to be tried again later. */
export const invocationStates = ['queued', 'delayed', 'running', 'done', 'dead', 'canceled'] as const;
export type InvocationState = (typeof invocationStates)[number];

/** A stored call as the API tells of it. Times are RFC 3339. */
export interface InvocationStatus {
  readonly id: string;
  /** `name.namespace`, or `callback HOST` for an answer on its way. */
  readonly function: string;
  readonly state: InvocationState;
  readonly created: string;
  /** While it waits. */
  readonly due?: string;
  /** When the last attempt began. */
  readonly started?: string;
  readonly finished?: string;
  readonly attempts: number;
  /** Time all attempts that ended had in an instance, each rounded up to whole milliseconds. */
  readonly billedMs: number;
  /** That time in seconds × the function's memory limit in GiB. */
  readonly gbSeconds: number;
  /** Of the last answer, once it is over. */
  readonly status?: number;
  readonly durationMs?: number;
  /** Why it was given up. */
  readonly reason?: string;
  /** The beginning of the answer as text; only of a single call. */
  readonly response?: string;
  /** Whether the answer was longer. */
  readonly truncated?: boolean;
}

/** What is stored of one function. */
export interface QueueDepth {
  readonly function: string;
  /** The queue it takes its turns in: `com.openfaas.queue`, or `default`. */
  readonly queue: string;
  readonly jobs: number;
  readonly bytes: number;
  /** How many run, and how many may at once now. */
  readonly running: number;
  readonly limit: number;
}

/** A line a function wrote while it made a stored call. */
export interface InvocationLine {
  /** RFC 3339. */
  readonly timestamp: string;
  readonly instance: string;
  readonly stream: 'stdout' | 'stderr' | 'system';
  readonly text: string;
}
