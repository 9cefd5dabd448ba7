/** How a program ended. The first reason wins; a clean end has `ok: true`. */
export interface Outcome {
  readonly ok: boolean;
  readonly timedOut: boolean;
  readonly canceled: boolean;
  readonly oomKilled: boolean;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly durationMs: number;
}

/** One sentence for a log line or a status message. */
export function formatOutcome(outcome: Outcome): string {
  const ms = Math.round(outcome.durationMs);
  if (outcome.oomKilled) return `killed after ${ms} ms: it used more memory than its limit`;
  if (outcome.timedOut) return `killed after ${ms} ms: it ran over its time limit`;
  if (outcome.canceled) return `stopped on request after ${ms} ms`;
  if (outcome.signal !== null) return `ended by ${outcome.signal} after ${ms} ms`;
  return `exited with code ${outcome.exitCode ?? 'unknown'} after ${ms} ms`;
}
