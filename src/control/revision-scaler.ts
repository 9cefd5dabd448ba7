import type { TinderboxError } from '../model/errors.ts';
import type { RevisionId } from '../model/names.ts';
import type { FunctionSettings } from '../model/settings.ts';

/** What control asks of the scaler. */
export interface RevisionScaler {
  /** Keeps the count of a revision from now on; rejects with `host-full` but goes on trying. */
  track(revision: RevisionId, settings: FunctionSettings, initial: number): Promise<void>;
  /** Calls may come before `track`: they wait for it, for `refuse` or for `untrack`. */
  expect(revision: RevisionId): void;
  untrack(revision: RevisionId): void;
  /** Every call that would wake this revision gets `error` until it is tracked again. */
  refuse(revision: RevisionId, error: TinderboxError): void;
  counts(): ReadonlyMap<RevisionId, number>;
}
