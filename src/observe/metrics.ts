import { Registry } from '@prometheus-io/client';
import { type CallsByFunction, countCalls, formatCallTimes, registerFunctionMetrics } from './function-metrics.ts';
import { registerHostMetrics, type WatchedFolders } from './host-metrics.ts';
import { registerInstanceMetrics } from './instance-metrics.ts';
import { type MetricsFormat, openMetricsFrom } from './open-metrics.ts';
import { type QueueView, registerQueueMetrics } from './queue-metrics.ts';
import { registerRequestMetrics } from './request-metrics.ts';
import { type FunctionScale, registerScaleMetrics } from './scale-metrics.ts';
import { shareWhileUnderWay } from './share-while-under-way.ts';
import { registerSpanMetrics, type SpanView } from './span-metrics.ts';
import { registerTriggerMetrics, type TriggerView } from './trigger-metrics.ts';
import { type InstanceUsage, registerUsageMetrics } from './usage-metrics.ts';

/** Counts per function for metrics, `list` and metering; labels only ever name functions that exist. */
export interface Metrics {
  /** Text in Prometheus' exposition format, or as OpenMetrics with the id of a call per bucket. */
  render(format?: MetricsFormat): Promise<string>;
  /** Calls of `name.namespace` that ended since the platform started, whatever their status. */
  invocationCount(key: string): number;
  /** Forgets a function's series after it was removed; calls of it that are still under way are counted no more. */
  forget(key: string): void;
  /** Tells of the queue from now on. */
  showQueue(queue: QueueView): void;
  /** Tells of triggers with messages from now on. */
  showTriggers(triggers: TriggerView): void;
  /** Tells of the spans that were sent from now on. */
  showSpans(counts: SpanView): void;
  close(): void;
}

/** What is looked at when somebody scrapes. */
export interface MetricsViews {
  /** Every function that is deployed, asleep or not. */
  readonly scales: () => readonly FunctionScale[];
  /** What runs, and what it uses. Default: nothing. */
  readonly usage?: () => Promise<readonly InstanceUsage[]>;
  /** Folders whose disk is watched. Default none. */
  readonly folders?: WatchedFolders;
  readonly version?: string;
}

/**
 * The series of OpenFaaS by their names (see its docs, "Metrics"), and our own: docs/metrics.md lists them. Calls are
 * counted in plain numbers, which become series when they are asked for.
 */
export function createMetrics(views: MetricsViews): Metrics {
  const registry = new Registry();
  const functions: CallsByFunction = new Map();
  let queue: QueueView | undefined;
  let triggers: TriggerView | undefined;
  registerFunctionMetrics(registry, functions);
  registerScaleMetrics(registry, views.scales);
  registerHostMetrics(registry, views.folders ?? {}, views.version ?? '');
  const usage = registerUsageMetrics(registry, views.usage ?? (() => Promise.resolve([])));
  const instances = registerInstanceMetrics(registry, () => new Set(views.scales().map((scale) => scale.function)));
  registerTriggerMetrics(registry, () => triggers);
  const stops = [
    registerQueueMetrics(registry, () => queue),
    registerRequestMetrics(registry),
    countCalls(functions),
    () => instances.close(),
  ];
  // Two scrapes at once would each add to a counter that is made anew from what it is told, and both would show the sum.
  const readRegistry = shareWhileUnderWay(() => registry.metrics());
  return {
    async render(format = 'prometheus') {
      const open = format === 'openMetrics';
      const text = (await readRegistry()) + formatCallTimes(functions, open);
      return open ? openMetricsFrom(text) : text;
    },
    invocationCount: (key) => functions.get(key)?.ended ?? 0,
    forget(key) {
      functions.delete(key);
      usage.forget(key);
      instances.forget(key);
    },
    showQueue(view) {
      queue = view;
    },
    showTriggers(view) {
      triggers = view;
    },
    showSpans: (counts) => registerSpanMetrics(registry, counts),
    close() {
      for (const stop of stops) stop();
    },
  };
}
