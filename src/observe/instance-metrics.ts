import { Counter, Histogram, type Registry } from '@prometheus-io/client';
import type { Instance } from '../model/instance.ts';
import { formatFunctionKey, parseRevisionId } from '../model/names.ts';
import { callBuckets } from './call-histogram.ts';
import { coldStart, instanceChanged, scaleStated } from './channels.ts';

/** What is counted of the instances of one function. */
class InstanceLife {
  scaled = 0;
  refused = 0;
  failedStarts = 0;
  crashes = 0;
}

/** Counts of instances by function, and the way to forget one that was removed. */
export interface InstanceMetrics {
  forget(key: string): void;
  close(): void;
}

type Row = readonly [labels: Readonly<Record<string, string>>, value: (life: InstanceLife) => number];

/** How instances start and fail. Only what `existing` names has a series: a late event brings back no removed function. */
export function registerInstanceMetrics(registry: Registry, existing: () => ReadonlySet<string>): InstanceMetrics {
  const lives = new Map<string, InstanceLife>();
  const of = (revision: string): InstanceLife => {
    const { namespace, name } = parseRevisionId(revision);
    const key = formatFunctionKey(namespace, name);
    const life = lives.get(key) ?? new InstanceLife();
    lives.set(key, life);
    return life;
  };
  const coldStarts = createColdStarts(registry);
  const counted = (name: string, help: string, label: string, rows: readonly Row[]): void =>
    addCounter(registry, { name, help, label, rows, lives: () => livesOf(lives, existing()) });
  counted('faasnetes_scale_total', 'Changes of the number of instances: success or error', 'status', [
    [{ status: 'success' }, ({ scaled }) => scaled],
    [{ status: 'error' }, ({ refused }) => refused],
  ]);
  const failures = 'Instances that failed: at their start, or while they ran';
  counted('tinderbox_instance_failures_total', failures, 'phase', [
    [{ phase: 'start' }, ({ failedStarts }) => failedStarts],
    [{ phase: 'run' }, ({ crashes }) => crashes],
  ]);
  const stops = [
    coldStart.subscribe(({ durationMs, pooled }) => coldStarts.observe({ pooled: String(pooled) }, durationMs / 1000)),
    scaleStated.subscribe(({ revision, ok }) => {
      if (ok) of(revision).scaled += 1;
      else of(revision).refused += 1;
    }),
    instanceChanged.subscribe((instance) => {
      if (instance.state === 'failed') countFailure(of(instance.revision), instance);
    }),
  ];
  return {
    forget: (key) => void lives.delete(key),
    close() {
      for (const stop of stops) stop();
    },
  };
}

/** An address comes with readiness. */
function countFailure(life: InstanceLife, { address }: Instance): void {
  if (address === undefined) life.failedStarts += 1;
  else life.crashes += 1;
}

/** A series that begins with what was counted first would hide that from `increase()`: it begins with 0. */
function livesOf(lives: Map<string, InstanceLife>, existing: ReadonlySet<string>): readonly [string, InstanceLife][] {
  for (const key of lives.keys()) if (!existing.has(key)) lives.delete(key);
  return [...existing].map((key) => [key, lives.get(key) ?? new InstanceLife()]);
}

interface Counted {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  readonly rows: readonly Row[];
  readonly lives: () => readonly [string, InstanceLife][];
}

function addCounter(registry: Registry, { name, help, label, rows, lives }: Counted): void {
  const counter = new Counter<string>({
    name,
    help,
    labelNames: ['function_name', label],
    registers: [],
    collect() {
      this.reset();
      for (const [key, life] of lives()) {
        for (const [labels, value] of rows) this.inc({ function_name: key, ...labels }, value(life));
      }
    },
  });
  registry.registerMetric<string>(counter);
}

function createColdStarts(registry: Registry): Histogram<'pooled'> {
  const coldStarts = new Histogram({
    name: 'tinderbox_cold_start_seconds',
    help: 'Time from the wish for an instance to its readiness',
    labelNames: ['pooled'],
    buckets: [...callBuckets],
    registers: [registry],
  });
  for (const pooled of ['true', 'false']) coldStarts.zero({ pooled });
  return coldStarts;
}
