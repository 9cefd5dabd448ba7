import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import { jobAccepted, jobSettled, natsReconnected } from './channels.ts';

/** What the queue knows of its lanes at scrape time; a lane of calls is named after its function. */
export interface QueueView {
  /** Jobs that wait, run, or are to be tried again. */
  depth(): Promise<readonly { readonly lane: string; readonly queue: string; readonly jobs: number }[]>;
  /** Jobs that run. */
  running(): ReadonlyMap<string, number>;
  queueOf(lane: string): string;
  /** Since when jobs that are due have been waiting, by lane, in Unix time in ms. */
  waitingSince(): ReadonlyMap<string, number>;
}

const outcomes = ['done', 'retry', 'dead'] as const;

/** The series of OpenFaaS's queue worker by their names (its docs, "Metrics"), and our own for how jobs end. */
export function registerQueueMetrics(registry: Registry, view: () => QueueView | undefined): () => void {
  registerLanes(registry, view);
  const submitted = new Counter({
    name: 'queue_worker_messages_submitted_total',
    help: 'Calls that were stored',
    labelNames: ['queue_name'],
    registers: [registry],
  });
  const processed = new Counter({
    name: 'queue_worker_messages_processed_total',
    help: 'Attempts of stored calls that ended: done, retry or dead',
    labelNames: ['queue_name', 'outcome'],
    registers: [registry],
  });
  // Gateway and queue worker are one program here, and have one connection.
  const reconnects = ['gateway_nats_reconnect_total', 'queue_worker_nats_reconnect_total'].map(
    (name) => new Counter({ name, help: 'Times a lost connection to NATS came back', registers: [registry] }),
  );
  const stops = [
    natsReconnected.subscribe(() => {
      for (const counter of reconnects) counter.inc();
    }),
    jobAccepted.subscribe(({ queue }) => {
      submitted.inc({ queue_name: queue });
      // A series that began with the first dead letter would hide it from `increase()`.
      for (const outcome of outcomes) processed.inc({ queue_name: queue, outcome }, 0);
    }),
    jobSettled.subscribe(({ queue, outcome }) => processed.inc({ queue_name: queue, outcome })),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** What each lane has now. */
function registerLanes(registry: Registry, view: () => QueueView | undefined): void {
  const perFunction = { labelNames: ['queue_name', 'function_name'] as const, registers: [] };
  const gauges = [
    new Gauge({
      name: 'queue_worker_pending_messages',
      help: 'Stored calls that wait, run, or are to be tried again',
      ...perFunction,
      async collect() {
        this.reset();
        const depth = (await view()?.depth()) ?? [];
        for (const { lane, queue, jobs } of depth) this.set({ queue_name: queue, function_name: lane }, jobs);
      },
    }),
    new Gauge({
      name: 'queue_worker_function_invocation_inflight',
      help: 'Stored calls that run',
      ...perFunction,
      collect() {
        this.reset();
        const calls = view();
        for (const [lane, count] of calls?.running() ?? []) {
          this.set({ queue_name: calls?.queueOf(lane) ?? '', function_name: lane }, count);
        }
      },
    }),
    new Gauge({
      name: 'tinderbox_queue_oldest_seconds',
      help: 'Age of the oldest stored call that is due and waits for its turn, at most',
      ...perFunction,
      collect() {
        this.reset();
        const calls = view();
        for (const [lane, sinceMs] of calls?.waitingSince() ?? []) {
          const seconds = Math.max(0, Date.now() - sinceMs) / 1000;
          this.set({ queue_name: calls?.queueOf(lane) ?? '', function_name: lane }, seconds);
        }
      },
    }),
  ];
  for (const gauge of gauges) registry.registerMetric(gauge);
}
