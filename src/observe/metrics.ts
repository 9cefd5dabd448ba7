import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { coldStart, type InvocationEnd, invocationEnd, invocationStart } from './channels.ts';

/** Seconds; the buckets Go's client uses by default, which OpenFaaS's dashboards expect, with finer ones below. */
const callBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts per function for metrics, `list` and metering; labels only ever name functions that exist. */
export interface Metrics {
  /** Text in Prometheus' exposition format. */
  render(): Promise<string>;
  /** Calls of `name.namespace` that ended since the platform started, whatever their status. */
  invocationCount(key: string): number;
  /** Forgets a function's series after it was removed. */
  forget(key: string): void;
  close(): void;
}

/** Replica counts at scrape time: `name.namespace` → ready instances. */
export type ReplicaCounts = () => ReadonlyMap<string, number>;

/**
 * The gateway's series by OpenFaaS's names (see its docs, "Metrics"), and our own for cold starts and queue time.
 * Series of one function are looked up once and kept, so that a call costs no label hashing.
 */
export function createMetrics(replicas: ReplicaCounts): Metrics {
  const registry = new Registry();
  const series = createSeries(registry, replicas);
  const functions = new Map<string, FunctionSeries>();
  const of = (key: string): FunctionSeries => {
    const known = functions.get(key);
    if (known !== undefined) return known;
    const made = createFunctionSeries(series, key);
    functions.set(key, made);
    return made;
  };
  const stops = [
    invocationStart.subscribe((event) => of(event.function).start()),
    invocationEnd.subscribe((event) => of(event.function).end(event)),
    coldStart.subscribe(({ durationMs, pooled }) =>
      series.coldStarts.observe({ pooled: String(pooled) }, durationMs / 1000),
    ),
  ];
  return {
    render: () => registry.metrics(),
    invocationCount: (key) => functions.get(key)?.ended() ?? 0,
    forget(key) {
      functions.get(key)?.forget();
      functions.delete(key);
    },
    close() {
      for (const stop of stops) stop();
    },
  };
}

type Series = ReturnType<typeof createSeries>;

function createSeries(registry: Registry, replicas: ReplicaCounts) {
  const registers = [registry];
  const labelNames = ['function_name', 'code'];
  return {
    total: new Counter({
      name: 'gateway_function_invocation_total',
      help: 'Function calls that ended',
      labelNames,
      registers,
    }),
    seconds: new Histogram({
      name: 'gateway_functions_seconds',
      help: 'Time a function call took',
      labelNames,
      buckets: callBuckets,
      registers,
    }),
    started: new Counter({
      name: 'gateway_function_invocation_started',
      help: 'Function calls that began',
      labelNames: ['function_name'],
      registers,
    }),
    inflight: new Gauge({
      name: 'gateway_function_invocation_inflight',
      help: 'Function calls under way',
      labelNames: ['function_name'],
      registers,
    }),
    service: new Gauge({
      name: 'gateway_service_count',
      help: 'Ready instances of a function',
      labelNames: ['function_name'],
      registers,
      collect() {
        this.reset();
        for (const [key, count] of replicas()) this.set({ function_name: key }, count);
      },
    }),
    queued: new Histogram({
      name: 'tinderbox_queue_seconds',
      help: 'Time a call waited for a slot',
      labelNames: ['function_name'],
      buckets: callBuckets,
      registers,
    }),
    coldStarts: new Histogram({
      name: 'tinderbox_cold_start_seconds',
      help: 'Time from the wish for an instance to its readiness',
      labelNames: ['pooled'],
      buckets: callBuckets,
      registers,
    }),
  };
}

interface FunctionSeries {
  start(): void;
  end(event: InvocationEnd): void;
  ended(): number;
  forget(): void;
}

function createFunctionSeries(series: Series, key: string): FunctionSeries {
  const name = { function_name: key };
  const started = series.started.labels(name);
  const inflight = series.inflight.labels(name);
  const queued = series.queued.labels(name);
  const byCode = new Map<number, { count: { inc(): void }; seconds: { observe(value: number): void } }>();
  let ended = 0;
  const codeSeries = (status: number) => {
    const labels = { function_name: key, code: String(status) };
    const made = { count: series.total.labels(labels), seconds: series.seconds.labels(labels) };
    byCode.set(status, made);
    return made;
  };
  return {
    start() {
      started.inc();
      inflight.inc();
    },
    end({ status, durationMs, queuedMs }) {
      ended += 1;
      inflight.dec();
      const code = byCode.get(status) ?? codeSeries(status);
      code.count.inc();
      code.seconds.observe(durationMs / 1000);
      queued.observe(queuedMs / 1000);
    },
    ended: () => ended,
    forget() {
      for (const status of byCode.keys()) {
        series.total.remove({ function_name: key, code: String(status) });
        series.seconds.remove({ function_name: key, code: String(status) });
      }
      for (const metric of [series.started, series.inflight, series.queued]) metric.remove(name);
    },
  };
}
