/** How patient a rollout is, and how much of the past is kept. */
export interface RolloutLimits {
  /** Failed starts after which a new revision is given up, default 3. */
  readonly startAttempts: number;
  /** Longest a new revision may take from its first start to a ready instance, default 60 s. */
  readonly startDeadlineMs: number;
  /** Longest it may wait for room on the host to try a first start, default 5 min. */
  readonly roomDeadlineMs: number;
  /** How long traffic stays back for the full count once a first instance is ready, default 10 s. */
  readonly settleMs: number;
  /** Revisions kept per function, the serving one included, default 3. */
  readonly keepRevisions: number;
  /** A revision without its function is the rest of a deploy that was cut off; removed after this, default 1 h. */
  readonly orphanMs: number;
  /** How long the logs of a deleted function are kept, default 7 days. */
  readonly logRetentionMs: number;
  /** Time between two looks at everything, default 30 s. */
  readonly resyncMs: number;
  /** Time between two collections of artifacts, default 10 min. */
  readonly collectMs: number;
}

export function resolveRolloutLimits(given: Partial<RolloutLimits> = {}): RolloutLimits {
  return {
    startAttempts: 3,
    startDeadlineMs: 60_000,
    roomDeadlineMs: 300_000,
    settleMs: 10_000,
    keepRevisions: 3,
    orphanMs: 3_600_000,
    logRetentionMs: 7 * 24 * 3_600_000,
    resyncMs: 30_000,
    collectMs: 600_000,
    ...given,
  };
}
