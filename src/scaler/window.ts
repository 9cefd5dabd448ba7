/** One number at one moment. */
interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** What a revision went through lately: its load, and the counts recommended for it. */
export interface LoadWindow {
  /** Notes calls in flight plus waiting. */
  addLoad(nowMs: number, load: number): void;
  /** Mean over the load window, a partial window over what it holds; undefined without a sample. */
  averageLoad(nowMs: number): number | undefined;
  /** Notes a recommended count. */
  addRecommendation(nowMs: number, count: number): void;
  /** Highest recommendation of the hold window, 0 without one. */
  highestRecommendation(nowMs: number): number;
}

export interface LoadWindowOptions {
  /** How far back the load is averaged, default 6 s (Knative's panic window: a tenth of 60 s). */
  readonly averageMs?: number;
  /** How long a recommendation holds replicas up, default 30 s. */
  readonly holdMs?: number;
}

export function createLoadWindow({ averageMs = 6_000, holdMs = 30_000 }: LoadWindowOptions = {}): LoadWindow {
  let loads: Sample[] = [];
  let recommendations: Sample[] = [];
  return {
    addLoad(nowMs, load) {
      loads = [...since(loads, nowMs - averageMs), { atMs: nowMs, value: load }];
    },
    averageLoad(nowMs) {
      const recent = since(loads, nowMs - averageMs);
      if (recent.length === 0) return undefined;
      return recent.reduce((sum, sample) => sum + sample.value, 0) / recent.length;
    },
    addRecommendation(nowMs, count) {
      recommendations = [...since(recommendations, nowMs - holdMs), { atMs: nowMs, value: count }];
    },
    highestRecommendation(nowMs) {
      return since(recommendations, nowMs - holdMs).reduce((most, sample) => Math.max(most, sample.value), 0);
    },
  };
}

function since(samples: readonly Sample[], atMs: number): readonly Sample[] {
  return samples.filter((sample) => sample.atMs > atMs);
}
