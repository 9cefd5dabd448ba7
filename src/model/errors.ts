/**
 * The one error class of the platform, its closed list of codes, and the one table that turns a code into an
 * HTTP status and a CLI exit code. Messages name the thing, the value and the limit; nobody matches on their text.
 */

interface CodeFacts {
  /** HTTP status an API or the data plane answers with. */
  readonly status: number;
  /** Exit code of the CLI. */
  readonly exitCode: number;
  /** Whether the same call may succeed later without any change. */
  readonly retryable: boolean;
}

/** Every code, with its HTTP status and exit code; `docs/errors.md` has one entry for each. */
export const errorCodes = {
  invalid: { status: 400, exitCode: 2, retryable: false },
  unauthenticated: { status: 401, exitCode: 4, retryable: false },
  forbidden: { status: 403, exitCode: 4, retryable: false },
  'not-found': { status: 404, exitCode: 3, retryable: false },
  'method-not-allowed': { status: 405, exitCode: 2, retryable: false },
  stalled: { status: 408, exitCode: 6, retryable: true },
  conflict: { status: 409, exitCode: 5, retryable: false },
  'too-large': { status: 413, exitCode: 2, retryable: false },
  unprocessable: { status: 422, exitCode: 2, retryable: false },
  'queue-full': { status: 429, exitCode: 6, retryable: true },
  'headers-too-large': { status: 431, exitCode: 2, retryable: false },
  canceled: { status: 499, exitCode: 130, retryable: false },
  'alert-failed': { status: 500, exitCode: 1, retryable: true },
  internal: { status: 500, exitCode: 1, retryable: false },
  unsupported: { status: 501, exitCode: 2, retryable: false },
  lost: { status: 502, exitCode: 6, retryable: true },
  'bad-reply': { status: 502, exitCode: 1, retryable: false },
  unavailable: { status: 503, exitCode: 6, retryable: true },
  'cannot-start': { status: 503, exitCode: 6, retryable: true },
  'host-full': { status: 503, exitCode: 6, retryable: true },
  deadline: { status: 504, exitCode: 7, retryable: true },
  'disk-full': { status: 507, exitCode: 6, retryable: true },
  'build-failed': { status: 422, exitCode: 8, retryable: false },
  'deploy-failed': { status: 422, exitCode: 9, retryable: false },
  config: { status: 500, exitCode: 78, retryable: false },
} as const satisfies Record<string, CodeFacts>;

export type ErrorCode = keyof typeof errorCodes;

interface ErrorDetails {
  /** What the reader can do about it; printed by the CLI below the message. */
  readonly hint?: string;
  /** Earliest sensible retry, in milliseconds; becomes `Retry-After` (rounded up to seconds). */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The only error thrown on purpose. `message` is fit for the person who caused it. */
export class TinderboxError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TinderboxError';
    this.code = code;
    this.hint = details.hint;
    this.retryAfterMs = details.retryAfterMs;
  }

  get status(): number {
    return errorCodes[this.code].status;
  }

  get exitCode(): number {
    return errorCodes[this.code].exitCode;
  }

  /** What `Retry-After` says: whole seconds, at least one. */
  get retryAfterSeconds(): number | undefined {
    return this.retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(this.retryAfterMs / 1000));
  }

  /** Ours stays as it is, an abort becomes `canceled`, all else `internal` with the original as cause. */
  static from(reason: unknown): TinderboxError {
    if (reason instanceof TinderboxError) return reason;
    if (reason instanceof Error && reason.name === 'AbortError') {
      return new TinderboxError('canceled', 'the call was canceled', { cause: reason });
    }
    const text = reason instanceof Error ? reason.message : String(reason);
    return new TinderboxError('internal', text, { cause: reason });
  }
}
