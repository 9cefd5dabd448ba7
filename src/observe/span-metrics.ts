import { Counter, type Registry } from '@prometheus-io/client';

/** Spans that a collector took, and those that were dropped, since the platform started. */
export type SpanView = () => { readonly exported: number; readonly dropped: number };

/** What became of spans; there only when calls are traced. */
export function registerSpanMetrics(registry: Registry, view: SpanView): void {
  const spans = new Counter<string>({
    name: 'tinderbox_spans_total',
    help: 'Spans that are over: exported, or dropped because the collector did not take them in time',
    labelNames: ['outcome'],
    registers: [],
    collect() {
      const { exported, dropped } = view();
      this.reset();
      this.inc({ outcome: 'exported' }, exported);
      this.inc({ outcome: 'dropped' }, dropped);
    },
  });
  registry.registerMetric<string>(spans);
}
