import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import { functionOf, type SourceStatus, type TriggerSpec } from '../model/trigger.ts';

/** What the triggers with messages know at scrape time. */
export interface TriggerView {
  /** `key` is `namespace/name`. */
  running(): readonly { readonly key: string; readonly spec: TriggerSpec }[];
  status(key: string): Promise<SourceStatus | undefined>;
}

/** A broker that does not say how much waits holds up no scrape for longer. */
const mostWaitMs = 1000;

interface Row {
  readonly labels: { readonly trigger: string; readonly function_name: string; readonly kind: string };
  readonly status: SourceStatus;
}

/** Our own series for triggers: whether each is connected, what waits, and how its messages end. */
export function registerTriggerMetrics(registry: Registry, view: () => TriggerView | undefined): void {
  const labelNames = ['trigger', 'function_name', 'kind'] as const;
  const gauges: readonly (readonly [name: string, help: string, value: (of: SourceStatus) => number | undefined])[] = [
    ['tinderbox_trigger_connected', 'Whether a trigger reaches its source', ({ connected }) => Number(connected)],
    ['tinderbox_trigger_inflight', 'Calls under way', ({ inFlight }) => inFlight],
    ['tinderbox_trigger_lag', 'Messages that wait at the source, where it can tell', ({ lag }) => lag],
  ];
  const rows = sharedReader(view);
  for (const [name, help, value] of gauges) {
    const gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [],
      async collect() {
        this.reset();
        for (const { labels, status } of await rows()) {
          const now = value(status);
          if (now !== undefined) this.set(labels, now);
        }
      },
    });
    registry.registerMetric(gauge);
  }
  const ended = new Counter({
    name: 'tinderbox_trigger_messages_total',
    help: 'Messages of a trigger since it was started: delivered, retried or failed',
    labelNames: [...labelNames, 'outcome'],
    registers: [],
    async collect() {
      this.reset();
      for (const { labels, status } of await rows()) {
        for (const outcome of ['delivered', 'retried', 'failed'] as const) {
          this.inc({ ...labels, outcome }, status[outcome]);
        }
      }
    },
  });
  registry.registerMetric(ended);
}

/** The series of one scrape ask for the same: the broker is asked once. */
function sharedReader(view: () => TriggerView | undefined): () => Promise<readonly Row[]> {
  let reading: Promise<readonly Row[]> | undefined;
  return () => {
    reading ??= readRows(view()).finally(() => setImmediate(() => (reading = undefined)));
    return reading;
  };
}

async function readRows(view: TriggerView | undefined): Promise<readonly Row[]> {
  if (view === undefined) return [];
  const rows = view.running().map(async ({ key, spec }) => {
    const status = await Promise.race([view.status(key), late()]);
    const labels = { trigger: key, function_name: functionOf(spec), kind: spec.kind };
    return status === undefined ? [] : [{ labels, status }];
  });
  return (await Promise.all(rows)).flat();
}

function late(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), mostWaitMs).unref());
}
