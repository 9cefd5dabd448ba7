import type { InstanceAddress, Protections } from '../model/instance.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Workload } from './engine.ts';

/** What is known of a copy once it takes calls. */
export interface ReadyCopy {
  readonly address: InstanceAddress;
  readonly pid?: number;
  readonly pooled: boolean;
  readonly protections: Protections;
}

/** How a copy ended. */
export interface CopyEnding {
  readonly outcome: Outcome;
  /** As `Instance.reason`; absent when it ended as asked. */
  readonly reason?: string;
  /** The platform's fault, not the program's: it is made again at once, without back-off. */
  readonly blameless: boolean;
}

/** One copy of a workload being run. Neither promise is ever left open after `stop`. */
export interface Copy {
  /** Resolves when it takes calls; never settles when it ended before. */
  readonly ready: Promise<ReadyCopy>;
  /** Resolves when it takes no more calls because it ended, before what it leaves is cleared away, with whose fault that is. */
  readonly exiting: Promise<Pick<CopyEnding, 'blameless'>>;
  /** Resolves once, when nothing of it is left. Never rejects. */
  readonly ended: Promise<CopyEnding>;
  /** Asks it to end and kills it after the grace. Idempotent. */
  stop(graceMs: number): void;
}

/** What an engine that leaves the counting to the platform has to supply: it runs single copies. */
export interface Runner {
  /** Throws `invalid` or `unsupported` when the workload can never run here. */
  check(workload: Workload): void;
  run(workload: Workload, instanceId: string): Copy;
}
