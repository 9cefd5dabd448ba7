import type { InvocationState } from '../../model/invocation-status.ts';
import type { CallView, DeadLetter, Job, LeasedJob } from '../job.ts';
import type { LaneDepth, QueueLimits, Settlement } from '../queue.ts';

/** A job between the threads: its payload is text, as it is stored, and its body nothing else's; cloning both is dear. */
export type Packed<J extends Job> = Omit<J, 'payload'> & { readonly payload: string };

/** A settlement between the threads. */
export type PackedSettlement =
  | Extract<Settlement, { outcome: 'retry' }>
  | (Omit<Extract<Settlement, { outcome: 'done' }>, 'next'> & { readonly next: readonly Packed<Job>[] })
  | (Omit<Extract<Settlement, { outcome: 'dead' }>, 'next'> & { readonly next: readonly Packed<Job>[] });

/** What the queue asks of its thread. `nowMs` is the caller's clock, so that one clock decides; `configure` comes first. */
export type Operation =
  | { readonly kind: 'configure'; readonly limits: QueueLimits }
  | { readonly kind: 'append'; readonly jobs: readonly Packed<Job>[]; readonly nowMs: number }
  | { readonly kind: 'lease'; readonly lane: string; readonly most: number; readonly nowMs: number }
  | {
      readonly kind: 'settle';
      readonly id: string;
      readonly attempt: number;
      readonly settlement: PackedSettlement;
      readonly nowMs: number;
    }
  | { readonly kind: 'cancel'; readonly id: string; readonly nowMs: number }
  | { readonly kind: 'history-get'; readonly id: string }
  | {
      readonly kind: 'history-list';
      readonly lane: string | undefined;
      readonly states: readonly InvocationState[];
      readonly limit: number;
    }
  | { readonly kind: 'promote'; readonly nowMs: number }
  | { readonly kind: 'expire'; readonly nowMs: number }
  | { readonly kind: 'pragmas' }
  | { readonly kind: 'depth' }
  | { readonly kind: 'dead-list'; readonly lane: string | undefined; readonly limit: number; readonly beforeMs: number }
  | { readonly kind: 'dead-get'; readonly id: string }
  | { readonly kind: 'replay'; readonly id: string; readonly nowMs: number }
  | { readonly kind: 'purge'; readonly id: string | undefined; readonly lane: string | undefined };

/** Answers; `ready` names lanes that have due jobs now. */
export interface Answer {
  readonly stored?: readonly boolean[];
  readonly leased?: readonly Packed<LeasedJob>[];
  readonly found?: boolean;
  readonly count?: number;
  readonly ready?: readonly string[];
  /** When the next delayed job is due; undefined: none. */
  readonly nextDueMs?: number | undefined;
  readonly depth?: readonly LaneDepth[];
  readonly dead?: readonly DeadLetter[];
  readonly views?: readonly CallView[];
  /** How far the connection that answers goes to keep what it acknowledged. */
  readonly pragmas?: Readonly<Record<'journal_mode' | 'synchronous' | 'fullfsync' | 'locking_mode', unknown>>;
}
