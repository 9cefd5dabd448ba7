/** One line a function wrote, as kept on disk and as the API returns it. */
export interface LogLine {
  readonly name: string;
  readonly namespace: string;
  readonly instance: string;
  /** RFC 3339 with milliseconds. */
  readonly timestamp: string;
  readonly text: string;
  readonly stream: 'stdout' | 'stderr' | 'system';
  /** Invocation id where the line came through a first-party runtime. */
  readonly callId?: string;
}

/** Which lines of a function to read. */
export interface LogQuery {
  readonly namespace: string;
  readonly name: string;
  readonly instance?: string;
  /** Last lines only; undefined: all that is kept. */
  readonly tail?: number;
  readonly sinceMs?: number;
  readonly follow: boolean;
}
