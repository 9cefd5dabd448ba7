import { type ErrorCode, TinderboxError } from '../../model/errors.ts';
import { type Outcome, formatOutcome } from '../../model/outcome.ts';
import { untoldLines } from '../../model/untold-lines.ts';
import type { CopyEnding } from '../runner.ts';
import type { ProgramEnd } from './kept-program.ts';

/** Characters of log kept in a reason. */
const maxLogChars = 4000;

/** The ending of a copy whose program ran. `startFailure`: it never became ready, and why. */
export function copyEndingFromProgram(
  end: ProgramEnd,
  startFailure: { readonly error: unknown } | undefined,
): CopyEnding {
  if (end.lost) return { outcome: end.outcome, reason: 'the keeper process ended and took it along', blameless: true };
  if (startFailure === undefined) {
    return {
      outcome: end.outcome,
      reason: formatReason(formatOutcome(end.outcome), end.lastLines, []),
      blameless: false,
    };
  }
  const { code, summary: failed, said } = explain(startFailure.error);
  // Where the platform killed it for the failure, that is the reason, not the kill.
  const killed = end.outcome.canceled;
  const outcome: Outcome = killed ? { ...end.outcome, timedOut: code === 'deadline', canceled: false } : end.outcome;
  const summary = killed ? failed : `${failed}; ${formatOutcome(outcome)}`;
  return { outcome, reason: formatReason(summary, end.lastLines, said), blameless: false };
}

/** The ending of a copy that could not even be launched. */
export function copyEndingFromRefusal(error: unknown, durationMs: number): CopyEnding {
  const { code, summary, said } = explain(error);
  const outcome: Outcome = {
    ok: false,
    timedOut: false,
    canceled: false,
    oomKilled: false,
    exitCode: null,
    signal: null,
    durationMs,
  };
  return { outcome, reason: formatReason(summary, [], said), blameless: code === 'unavailable' };
}

interface Explanation {
  readonly code: ErrorCode;
  readonly summary: string;
  readonly said: readonly string[];
}

function explain(error: unknown): Explanation {
  const { code, message, cause } = TinderboxError.from(error);
  // What was not thrown on purpose may hold anything.
  if (code === 'internal') return { code, summary: 'the platform could not start it', said: [message] };
  return { code, summary: message, said: typeof cause === 'string' ? [cause] : [] };
}

function formatReason(summary: string, lines: readonly string[], said: readonly string[]): string {
  const others = untoldLines(lines, said);
  const log = others.length === 0 ? [] : ['last lines:', others.join('\n').slice(-maxLogChars)];
  return [summary, ...said, ...log].join('\n');
}
