/** A setting in force and where it comes from. */
export interface EffectiveSetting {
  readonly name: string;
  /** With its unit. */
  readonly value: string;
  /** `default`, `platform configuration`, `label KEY` or `annotation KEY`. */
  readonly source: string;
}

/** One look of the scaler at a revision. */
export interface ScalingDecision {
  /** RFC 3339. */
  readonly at: string;
  readonly from: number;
  readonly to: number;
  /** What the load alone asks for. */
  readonly recommended: number;
  /** In the unit of the metric; absent when its meter did not say. */
  readonly load?: number;
  /** In words. */
  readonly reason: string;
}

/** How a function is scaled. */
export interface ScalingReport {
  readonly revision: string;
  /** Instances there should be now; absent while the revision is not in charge of the scaler. */
  readonly desired?: number;
  readonly ready: number;
  /** Whether decisions are only shown. */
  readonly dryRun: boolean;
  readonly settings: readonly EffectiveSetting[];
  /** The last look; absent before the first, and a function that sleeps is not looked at. */
  readonly decision?: ScalingDecision;
  /** The last look that asked for another count than there was. */
  readonly change?: ScalingDecision;
  /** Why the meter of its metric did not answer lately. */
  readonly meterFailure?: string;
}
