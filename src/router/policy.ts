/** What a policy may look at of one instance. */
export interface Candidate {
  readonly inFlight: number;
  readonly capacity: number;
  /** Whether it takes new calls at all. */
  readonly open: boolean;
}

/** Chooses the instance for the next call among those with a free slot; undefined when there is none. Pure. */
export type ChooseInstance = <C extends Candidate>(candidates: readonly C[]) => C | undefined;

/** The one with the smallest share of its slots taken; the earlier one among equals. */
export const leastLoaded: ChooseInstance = (candidates) => {
  let best: (typeof candidates)[number] | undefined;
  let bestLoad = 1;
  for (const candidate of candidates) {
    if (!candidate.open || candidate.inFlight >= candidate.capacity) continue;
    const load = candidate.inFlight / candidate.capacity;
    if (load < bestLoad) {
      best = candidate;
      bestLoad = load;
    }
  }
  return best;
};
