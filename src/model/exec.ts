import type { ErrorCode } from './errors.ts';

/** Size of a terminal in characters, 1 to 4096 each way. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** A program to be run beside an instance's own, inside the same walls. */
export interface ExecCommand {
  /** Program and arguments, none with a NUL byte; found by the function's PATH, read by no shell. */
  readonly command: readonly string[];
  /** Whether something will be sent to its stdin; otherwise that is empty. */
  readonly stdin: boolean;
  /** A terminal of its own instead of pipes, and what `TERM` says of it; stdout and stderr are then one. */
  readonly terminal?: TerminalSize & { readonly type: string };
}

/** Signals that may be sent by hand; whatever they do, the end of the session kills what is left. */
export const execSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGKILL', 'SIGUSR1', 'SIGUSR2'] as const;
export type ExecSignal = (typeof execSignals)[number];

/** What is sent to a program while it runs. */
export type ExecInput =
  | { readonly kind: 'stdin'; readonly data: Buffer }
  | { readonly kind: 'stdin-end' }
  | ({ readonly kind: 'resize' } & TerminalSize)
  | { readonly kind: 'signal'; readonly signal: ExecSignal };

/**
 * What comes back. `credit`: so many bytes of stdin were taken. The last one is `exit` (one of its two is null), or
 * `error` where the program could not be watched to its end.
 */
export type ExecOutput =
  | { readonly kind: 'stdout' | 'stderr'; readonly data: Buffer }
  | { readonly kind: 'credit'; readonly bytes: number }
  | { readonly kind: 'exit'; readonly exitCode: number | null; readonly signal: string | null }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string; readonly hint?: string };

/** One program that was started that way. */
export interface ExecSession {
  /** Read once; what is not read holds the program up. Ends after `exit` or `error`, or when the session is closed. */
  readonly output: AsyncIterable<ExecOutput>;
  /** Never waits: at most {@link stdinWindowBytes} of stdin may be on their way, the sender counts. */
  send(input: ExecInput): void;
  /** Kills the program and all that it started. Idempotent. */
  close(): void;
}

/** Bytes of stdin sent beyond what was credited, at most. */
export const stdinWindowBytes = 256 * 1024;

/** Exit code of a shell for a program that ended like this: 128 + n for a signal. */
export function exitCodeOf(
  { exitCode, signal }: { readonly exitCode: number | null; readonly signal: string | null },
  signals: Readonly<Record<string, number>>,
): number {
  if (exitCode !== null) return exitCode;
  return 128 + (signals[signal ?? ''] ?? 0);
}
