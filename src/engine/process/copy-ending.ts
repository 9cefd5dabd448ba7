import { TinderboxError } from '../../model/errors.ts';
import { type Outcome, formatOutcome } from '../../model/outcome.ts';
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
  const failure = startFailure === undefined ? undefined : TinderboxError.from(startFailure.error);
  // The platform killed it for the failure: that is the reason, not the kill.
  const timedOut = failure !== undefined && end.outcome.canceled;
  const outcome: Outcome = timedOut ? { ...end.outcome, timedOut, canceled: false } : end.outcome;
  const parts = [failure?.message, timedOut ? undefined : formatOutcome(outcome), formatLines(end.lastLines)];
  const reason = parts.filter((part) => part !== undefined && part !== '').join('; ');
  return { outcome, reason, blameless: false };
}

/** The ending of a copy that could not even be launched. */
export function copyEndingFromRefusal(error: unknown, durationMs: number): CopyEnding {
  const { code, message } = TinderboxError.from(error);
  const outcome: Outcome = {
    ok: false,
    timedOut: false,
    canceled: false,
    oomKilled: false,
    exitCode: null,
    signal: null,
    durationMs,
  };
  return { outcome, reason: message, blameless: code === 'unavailable' };
}

function formatLines(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `last lines:\n${lines.join('\n').slice(-maxLogChars)}`;
}
