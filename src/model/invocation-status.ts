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
  readonly finished?: string;
  readonly attempts: number;
  /** Of the last answer, once it is done. */
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
  readonly jobs: number;
  readonly bytes: number;
}
