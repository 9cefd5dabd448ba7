import type { ScalingSettings } from '../model/scaling.ts';
import type { ScalingDecision } from '../model/scaling-report.ts';
import type { ScaleDecision, ScaleObservation } from './decide.ts';
import { explainDecision } from './explain-decision.ts';
import type { PanicState } from './formula.ts';

/** One look at a revision, kept as it was; it is put into words when somebody asks. */
interface Look {
  readonly atMs: number;
  readonly from: number;
  readonly seen: ScaleObservation;
  readonly scaling: ScalingSettings;
  readonly decision: ScaleDecision;
}

/** What was decided for a revision lately. */
export interface ScaleMemory {
  /** Of the last decision. */
  readonly panic: PanicState | undefined;
  /** `atMs`: Unix time. Whether the count decided differs from the one before: from the count there is, and from the last look's. */
  note(look: Look): boolean;
  last(): ScalingDecision | undefined;
  lastChange(): ScalingDecision | undefined;
}

export function createScaleMemory(): ScaleMemory {
  let last: Look | undefined;
  let change: Look | undefined;
  return {
    get panic() {
      return last?.decision.panic;
    },
    note(look) {
      const isNews = look.decision.count !== look.from && look.decision.count !== last?.decision.count;
      last = look;
      if (look.decision.count !== look.from) change = look;
      return isNews;
    },
    last: () => formatLook(last),
    lastChange: () => formatLook(change),
  };
}

function formatLook(look: Look | undefined): ScalingDecision | undefined {
  if (look === undefined) return undefined;
  const { decision, seen, scaling } = look;
  return {
    at: new Date(look.atMs).toISOString(),
    from: look.from,
    to: decision.count,
    recommended: decision.recommended,
    ...(seen.load === undefined ? {} : { load: Math.round(seen.load * 1_000) / 1_000 }),
    reason: explainDecision(decision, seen, scaling),
  };
}
