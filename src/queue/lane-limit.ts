/** How many jobs of one lane may run at once, and what it learnt from. */
export interface LaneLimit {
  readonly limit: number;
  /** Answers that were not refusals since the limit last grew. */
  readonly since: number;
}

export const laneLimits = { first: 16, least: 1, most: 512 } as const;

export const firstLaneLimit: LaneLimit = { limit: laneLimits.first, since: 0 };

/**
 * Adapts to what a function takes: additive increase, multiplicative decrease (Chiu and Jain, 1989). A refusal (429, or
 * 503 while there is no instance to take it) halves the limit at once; as many other answers as the limit is raise it by
 * an eighth, at least by one, but only while it is used up.
 */
export function decideLaneLimit({ limit, since }: LaneLimit, refused: boolean, inFlight: number): LaneLimit {
  if (refused) return { limit: Math.max(laneLimits.least, Math.floor(Math.min(limit, inFlight) / 2)), since: 0 };
  if (inFlight < limit) return { limit, since };
  if (since + 1 < limit) return { limit, since: since + 1 };
  return { limit: Math.min(laneLimits.most, limit + Math.max(1, Math.floor(limit / 8))), since: 0 };
}
