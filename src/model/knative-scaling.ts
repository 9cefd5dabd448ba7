import { TinderboxError } from './errors.ts';
import { durationIn, integerIn, numberIn, oneOf } from './read-setting.ts';
import type { LoadSettings, ScalingReader } from './resolve-scaling.ts';
import type { PanicSettings } from './scaling.ts';
import type { Place } from './setting-reader.ts';

const prefix = 'autoscaling.knative.dev/';

/** Knative's names, dashed and, where it has one, in camel case. */
const names = {
  class: ['class'],
  metric: ['metric'],
  target: ['target'],
  utilization: ['target-utilization-percentage', 'targetUtilizationPercentage'],
  burst: ['target-burst-capacity', 'targetBurstCapacity'],
  window: ['window'],
  panicWindow: ['panic-window-percentage', 'panicWindowPercentage'],
  panicThreshold: ['panic-threshold-percentage', 'panicThresholdPercentage'],
  retention: ['scale-to-zero-pod-retention-period', 'scaleToZeroPodRetentionPeriod'],
  initial: ['initial-scale', 'initialScale'],
  activation: ['activation-scale', 'activationScale'],
  downDelay: ['scale-down-delay', 'scaleDownDelay'],
  aggregation: ['metric-aggregation-algorithm'],
  min: ['min-scale', 'minScale'],
  max: ['max-scale', 'maxScale'],
} as const;

/** Any of these makes a function one that is scaled as Knative does it. */
export const knativeKeys: readonly string[] = Object.values(names)
  .flat()
  .map((name) => prefix + name);

interface KnativeScaling {
  readonly load: LoadSettings;
  readonly initial?: number;
  readonly activation: number;
}

function places(name: keyof typeof names): readonly Place[] {
  return names[name].map((each): Place => `annotation ${prefix}${each}`);
}

/**
 * Settings and ranges of Knative's pod autoscaler with the defaults of its `config-autoscaler` (docs/serving/autoscaling).
 * An idle function sleeps after its window, the scale-down delay and the retention period: its calls always come by way of
 * the router, so there is no grace period in which an activator would have to be put before it.
 */
export function readKnative(reader: ScalingReader): KnativeScaling {
  readNothing(reader, 'class', ['kpa.autoscaling.knative.dev']);
  readNothing(reader, 'aggregation', ['linear']);
  const metric = reader.read('metric', places('metric'), 'concurrency' as const, (text, what) =>
    oneOf(text, what, ['concurrency', 'rps'], 'concurrency'),
  );
  const windowMs = reader.read('loadWindowMs', places('window'), 60_000, (text, what) =>
    seconds(text, what, 6_000, 3_600_000),
  );
  const holdMs = reader.read('holdMs', places('downDelay'), 0, upToAnHour);
  const retentionMs = reader.read('zeroAfterMs', places('retention'), 0, upToAnHour);
  // Who says one of the other two has said when it sleeps.
  const origin = reader.origins.zeroAfterMs ?? reader.origins.holdMs ?? reader.origins.loadWindowMs;
  if (origin !== undefined) reader.origins.zeroAfterMs = origin;
  const initial = reader.read<number | undefined>('initial', places('initial'), undefined, whole(1, 1000));
  return {
    load: {
      zeroAfterMs: windowMs + holdMs + retentionMs,
      metric,
      type: metric === 'rps' ? 'rps' : 'capacity',
      target: reader.read('target', places('target'), metric === 'rps' ? 200 : 100, (text, what) =>
        numberIn(text, what, 0.01, 1_000_000),
      ),
      utilization: reader.read('utilization', places('utilization'), 0.7, percent(1, 100)),
      aggregate: 'mean',
      loadWindowMs: windowMs,
      panic: readPanic(reader, windowMs),
      holdMs,
      burstCapacity: reader.read('burstCapacity', places('burst'), 211, whole(-1, 1_000_000)),
      sparing: false,
    },
    ...(initial === undefined ? {} : { initial }),
    activation: reader.read('activation', places('activation'), 1, whole(2, 1000)),
  };
}

function readPanic(reader: ScalingReader, windowMs: number): PanicSettings {
  const share = reader.read('panic.windowMs', places('panicWindow'), 0.1, percent(1, 100));
  return {
    windowMs: Math.max(1_000, Math.round((windowMs * share) / 1_000) * 1_000),
    threshold: reader.read('panic.threshold', places('panicThreshold'), 2, percent(110, 1000)),
    maxUpRate: 1_000,
    maxDownRate: 2,
  };
}

/** What has one possible value here changes nothing, and another one is refused. */
function readNothing(reader: ScalingReader, name: 'class' | 'aggregation', allowed: readonly string[]): void {
  for (const place of places(name)) oneOf(reader.text(place), place, allowed, '');
}

type Parse = (text: string, what: string) => number;

function percent(least: number, most: number): Parse {
  return (text, what) => numberIn(text, what, least, most) / 100;
}

function whole(least: number, most: number): Parse {
  return (text, what) => integerIn(text, what, 0, least, most);
}

function upToAnHour(text: string, what: string): number {
  return durationIn(text, what, 0, 1, 3_600_000);
}

function seconds(text: string, what: string, leastMs: number, mostMs: number): number {
  const ms = durationIn(text, what, 0, leastMs, mostMs);
  if (ms >= leastMs && ms % 1_000 === 0) return ms;
  throw new TinderboxError(
    'invalid',
    `${what} "${text}" is not a number of whole seconds from ${leastMs / 1_000} to ${mostMs / 1_000}`,
  );
}
