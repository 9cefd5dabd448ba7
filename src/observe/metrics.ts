import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { callBuckets } from './call-histogram.ts';
import { coldStart, invocationEnd, invocationStart } from './channels.ts';
import { FunctionCalls } from './function-calls.ts';
import { type QueueView, registerQueueMetrics } from './queue-metrics.ts';

/** Counts per function for metrics, `list` and metering; labels only ever name functions that exist. */
export interface Metrics {
  /** Text in Prometheus' exposition format. */
  render(): Promise<string>;
  /** Calls of `name.namespace` that ended since the platform started, whatever their status. */
  invocationCount(key: string): number;
  /** Forgets a function's series after it was removed; calls of it that are still under way are counted no more. */
  forget(key: string): void;
  /** Tells of the queue from now on. */
  showQueue(queue: QueueView): void;
  close(): void;
}

/** Replica counts at scrape time: `name.namespace` → ready instances. */
export type ReplicaCounts = () => ReadonlyMap<string, number>;

type Calls = ReadonlyMap<string, FunctionCalls>;

/**
 * The gateway's series by OpenFaaS's names (see its docs, "Metrics"), and our own for cold starts and queue time.
 * Calls are counted in plain numbers, which become series when they are asked for.
 */
export function createMetrics(replicas: ReplicaCounts): Metrics {
  const registry = new Registry();
  const functions = new Map<string, FunctionCalls>();
  registerCounts(registry, functions, replicas);
  const coldStarts = createColdStarts(registry);
  let queue: QueueView | undefined;
  const stops = [
    registerQueueMetrics(registry, () => queue),
    invocationStart.subscribe((event) => {
      const known = functions.get(event.function);
      if (known !== undefined) return known.start();
      const made = new FunctionCalls();
      functions.set(event.function, made);
      made.start();
    }),
    invocationEnd.subscribe((event) => functions.get(event.function)?.end(event)),
    coldStart.subscribe(({ durationMs, pooled }) => coldStarts.observe({ pooled: String(pooled) }, durationMs / 1000)),
  ];
  return {
    render: async () => (await registry.metrics()) + formatTimes(functions),
    invocationCount: (key) => functions.get(key)?.ended ?? 0,
    forget: (key) => void functions.delete(key),
    showQueue(view) {
      queue = view;
    },
    close() {
      for (const stop of stops) stop();
    },
  };
}

function registerCounts(registry: Registry, functions: Calls, replicas: ReplicaCounts): void {
  const registers: Registry[] = [];
  const perFunction = { labelNames: ['function_name'], registers };
  const counts = [
    new Counter({
      name: 'gateway_function_invocation_total',
      help: 'Function calls that ended',
      labelNames: ['function_name', 'code'],
      registers,
      collect() {
        this.reset();
        for (const [key, { byCode }] of functions)
          for (const [code, { count }] of byCode) this.inc({ function_name: key, code: String(code) }, count);
      },
    }),
    new Counter({
      name: 'gateway_function_invocation_started',
      help: 'Function calls that began',
      ...perFunction,
      collect() {
        this.reset();
        for (const [key, { started }] of functions) this.inc({ function_name: key }, started);
      },
    }),
    new Gauge({
      name: 'gateway_function_invocation_inflight',
      help: 'Function calls under way',
      ...perFunction,
      collect() {
        this.reset();
        for (const [key, { inFlight }] of functions) this.set({ function_name: key }, inFlight);
      },
    }),
    new Gauge({
      name: 'gateway_service_count',
      help: 'Ready instances of a function',
      ...perFunction,
      collect() {
        this.reset();
        for (const [key, count] of replicas()) this.set({ function_name: key }, count);
      },
    }),
  ];
  for (const count of counts) registry.registerMetric<string>(count);
}

function createColdStarts(registry: Registry): Histogram<'pooled'> {
  return new Histogram({
    name: 'tinderbox_cold_start_seconds',
    help: 'Time from the wish for an instance to its readiness',
    labelNames: ['pooled'],
    buckets: [...callBuckets],
    registers: [registry],
  });
}

/** Names of functions and codes are of characters that need no escaping. */
function formatTimes(functions: Calls): string {
  const seconds = 'gateway_functions_seconds';
  const queued = 'tinderbox_queue_seconds';
  let text = `# HELP ${seconds} Time a function call took\n# TYPE ${seconds} histogram\n`;
  for (const [key, { byCode }] of functions)
    for (const [code, series] of byCode)
      text += series.seconds.format(seconds, `function_name="${key}",code="${code}"`);
  text += `# HELP ${queued} Time a call waited for a slot\n# TYPE ${queued} histogram\n`;
  for (const [key, calls] of functions) text += calls.queued.format(queued, `function_name="${key}"`);
  return text;
}
