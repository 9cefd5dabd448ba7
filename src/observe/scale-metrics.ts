import { Gauge, type Registry } from '@prometheus-io/client';

/** Replicas of one function, and what they are to be, at scrape time. */
export interface FunctionScale {
  /** `name.namespace`. */
  readonly function: string;
  /** Instances it should have now. */
  readonly replicas: number;
  /** Instances that take calls. */
  readonly ready: number;
  /** Label `com.openfaas.scale.min`. */
  readonly min: number;
  /** Label `com.openfaas.scale.target`. */
  readonly target: number;
  /** What is counted against the target: `capacity` for calls in flight. */
  readonly type: string;
}

type Column = readonly [name: string, help: string, value: (scale: FunctionScale) => number];

const perFunction: readonly Column[] = [
  ['gateway_service_count', 'Instances a function should have', ({ replicas }) => replicas],
  ['gateway_service_ready_count', 'Instances of a function that take calls', ({ ready }) => ready],
  ['gateway_service_min', 'Least instances of a function while it is awake', ({ min }) => min],
  ['gateway_service_target', 'Load that one instance of a function is meant to have', ({ target }) => target],
];

/** Rules of a board's own join it to learn what a function scales by. */
const typed: Column = [
  'gateway_service_target_load',
  'Load that one instance of a function is meant to have, with the kind of load',
  ({ target }) => target,
];

/** Replicas by the names of OpenFaaS's gateway (its docs, "Metrics"). */
export function registerScaleMetrics(registry: Registry, scales: () => readonly FunctionScale[]): void {
  for (const column of perFunction) addGauge(registry, scales, column, () => ({}));
  addGauge(registry, scales, typed, ({ type }) => ({ scaling_type: type }));
}

function addGauge(
  registry: Registry,
  scales: () => readonly FunctionScale[],
  [name, help, value]: Column,
  more: (scale: FunctionScale) => Readonly<Record<string, string>>,
): void {
  const gauge = new Gauge<string>({
    name,
    help,
    labelNames: ['function_name', 'scaling_type'],
    registers: [],
    collect() {
      this.reset();
      for (const scale of scales()) this.set({ function_name: scale.function, ...more(scale) }, value(scale));
    },
  });
  registry.registerMetric<string>(gauge);
}
