import { TinderboxError } from '../model/errors.ts';
import type { RevisionId } from '../model/names.ts';

/** What callers of a revision get whose instances do not start. */
export function cannotStart(revision: RevisionId, reason: string): TinderboxError {
  return new TinderboxError('cannot-start', `${revision} cannot start: ${reason}`, { retryAfterMs: 1_000 });
}

/** What callers of a revision get that found no room; `exhausted` says what ran out. */
export function hostFull(revision: RevisionId, exhausted: string | undefined): TinderboxError {
  return new TinderboxError('host-full', `no room for ${revision}: ${exhausted ?? 'the host is full'}`, {
    retryAfterMs: 1_000,
  });
}
