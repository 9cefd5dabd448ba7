import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import { invocationEnd, invocationStart } from './channels.ts';
import { FunctionCalls } from './function-calls.ts';

/** Counts of calls by function, `name.namespace`. */
export type CallsByFunction = Map<string, FunctionCalls>;

/** Counts what is published of calls, from now on; returns the way to stop. */
export function countCalls(functions: CallsByFunction): () => void {
  const stops = [
    invocationStart.subscribe((event) => {
      const known = functions.get(event.function);
      if (known !== undefined) return known.start();
      const made = new FunctionCalls();
      functions.set(event.function, made);
      made.start();
    }),
    invocationEnd.subscribe((event) => functions.get(event.function)?.end(event)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** The gateway's counters of calls; they are plain numbers until they are asked for. */
export function registerFunctionMetrics(registry: Registry, functions: CallsByFunction): void {
  const perFunction = { labelNames: ['function_name'], registers: [] };
  const counts = [
    new Counter({
      name: 'gateway_function_invocation_total',
      help: 'Function calls that ended',
      labelNames: ['function_name', 'code'],
      registers: [],
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
  ];
  for (const count of counts) registry.registerMetric<string>(count);
}

/** The histograms of calls, in Prometheus' text format. Names of functions and codes need no escaping. */
export function formatCallTimes(functions: CallsByFunction, exemplars: boolean): string {
  const seconds = 'gateway_functions_seconds';
  const queued = 'tinderbox_queue_seconds';
  let text = `# HELP ${seconds} Time a function call took\n# TYPE ${seconds} histogram\n`;
  for (const [key, { byCode }] of functions)
    for (const [code, series] of byCode)
      text += series.seconds.format(seconds, `function_name="${key}",code="${code}"`, exemplars);
  text += `# HELP ${queued} Time a call waited for a slot\n# TYPE ${queued} histogram\n`;
  for (const [key, calls] of functions) text += calls.queued.format(queued, `function_name="${key}"`);
  return text;
}
