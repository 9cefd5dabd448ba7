import type { FunctionRecord, RetiredRecord, RevisionRecord } from '../model/function.ts';
import type { RevisionId } from '../model/names.ts';

/**
 * What the platform does with a revision right now. `absent`: nothing; `applied`: the engine knows it and the scaler
 * keeps its count; `refused`: it cannot run, and callers are told why; `leaving`: the engine was told to forget it and
 * some of its instances still stop.
 */
export type RevisionPhase = 'absent' | 'applied' | 'refused' | 'leaving';

/** One revision as the decision sees it: its record, and what is observed of its instances. */
export interface RevisionView {
  readonly number: number;
  readonly record: RevisionRecord;
  readonly phase: RevisionPhase;
  /** Time since it entered its phase. */
  readonly phaseMs: number;
  readonly ready: number;
  /** Whether instances of it exist that are neither stopped nor failed. */
  readonly live: boolean;
  /** Instances granted by the scaler. */
  readonly wanted: number;
  /** Instances that ended before they were ready, since it was applied. */
  readonly failures: number;
  readonly lastFailure: string | undefined;
  /** Time since its first instance was seen starting; undefined: none yet. */
  readonly attemptedMs: number | undefined;
  /** Calls in flight or waiting. */
  readonly busy: boolean;
  /** Time since traffic left it; undefined: not draining. */
  readonly drainingMs: number | undefined;
  /** Longest a call of it may take. */
  readonly timeoutMs: number;
  /** Time since it was made. */
  readonly ageMs: number;
}

/** Everything a decision about one function needs. */
export interface FunctionView {
  readonly record: FunctionRecord | undefined;
  readonly retired: (RetiredRecord & { readonly ageMs: number; readonly released: boolean }) | undefined;
  /** Where calls go now. */
  readonly routed: RevisionId | undefined;
  /** Oldest first. */
  readonly revisions: readonly RevisionView[];
  /** Revisions that have instances but no record, and that the engine was not yet told to forget. */
  readonly strays: readonly RevisionId[];
  /** Whether any instance of the function is left. */
  readonly live: boolean;
}
