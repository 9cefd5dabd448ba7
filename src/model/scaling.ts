import type { ScaleWindow } from './scale-schedule.ts';

/**
 * What counts as load: calls in flight and waiting; calls done per second; thousandths of a core in use; stored calls that
 * wait; or what a query to Prometheus answers.
 */
export type LoadMetric = 'concurrency' | 'rps' | 'cpu' | 'queue' | 'custom';

/** How the samples of the load window become one number; `latest`: the newest reading of a meter that has no window. */
export type LoadAggregate = 'mean' | 'max' | 'latest';

/** Knative's second, shorter look at the load, and how fast a count may change. */
export interface PanicSettings {
  readonly windowMs: number;
  /** It begins when the short window asks for this many times the ready instances. */
  readonly threshold: number;
  /** At most this many times the ready instances at one decision. */
  readonly maxUpRate: number;
  /** At least the ready instances divided by this at one decision. */
  readonly maxDownRate: number;
}

/** How many copies of a function may run, and what decides it: one form for OpenFaaS's labels and Knative's annotations. */
export interface ScalingSettings {
  readonly min: number;
  readonly max: number;
  /** Count a deploy is proven with and holds until it was reached; undefined: the minimum, at least 1. */
  readonly initial?: number;
  /** Whether it sleeps after `zeroAfterMs` without a call. */
  readonly zero: boolean;
  readonly zeroAfterMs: number;
  /** Percent of `max` that one alert adds. */
  readonly factor: number;
  readonly metric: LoadMetric;
  /** The metric by OpenFaaS's name for it: `rps`, `capacity`, `cpu`, `queue`, or one of the function's own. */
  readonly type: string;
  /** What Prometheus is asked; of metric `custom` alone. */
  readonly query?: string;
  /** Load of one instance, in the unit of the metric. */
  readonly target: number;
  /** Share of the target that the scaler aims at, above 0 and up to 1. */
  readonly utilization: number;
  readonly aggregate: LoadAggregate;
  readonly loadWindowMs: number;
  readonly panic?: PanicSettings;
  /** Down only to the highest recommendation within this time; 0: at once. */
  readonly holdMs: number;
  /** Least count while there is load. */
  readonly activation: number;
  /**
   * Calls that come at once and that the ready instances should have room for besides their load; while they have not,
   * calls that wait start instances at once. -1: always, 0: only when nothing runs.
   */
  readonly burstCapacity: number;
  /** Whether calls that get done sooner than an instance starts count for no more instances than there are cores. */
  readonly sparing: boolean;
  /** Whether its calls do nothing but compute: more instances than cores would only take turns. */
  readonly cpuBound: boolean;
  /** Whether decisions are only shown. */
  readonly dryRun: boolean;
  /** Times in which more must be ready. */
  readonly schedule: readonly ScaleWindow[];
  /** What does not have its default, and the label or annotation it comes from. */
  readonly origins: Readonly<Partial<Record<ScalingName, string>>>;
}

export type ScalingName = Exclude<keyof ScalingSettings, 'origins' | 'panic'> | `panic.${'windowMs' | 'threshold'}`;

/** What the platform's configuration says for every function whose labels do not. */
export interface ScalingDefaults {
  readonly zeroAfterMs?: number;
  readonly dryRun?: boolean;
}

/** The settings in force: what the function says, else the platform, else the default. */
export function withDefaults(own: ScalingSettings, defaults: ScalingDefaults): ScalingSettings {
  const names = (['zeroAfterMs', 'dryRun'] as const).filter(
    (name) => defaults[name] !== undefined && own.origins[name] === undefined,
  );
  if (names.length === 0) return own;
  const values = Object.fromEntries(names.map((name) => [name, defaults[name]]));
  const origins = Object.fromEntries(names.map((name) => [name, 'platform configuration']));
  return { ...own, ...values, origins: { ...own.origins, ...origins } };
}
