import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import { shareWhileUnderWay } from './share-while-under-way.ts';

/** What one running instance uses: processor time since it began, and memory now. */
export interface InstanceUsage {
  readonly instance: string;
  /** `name.namespace`. */
  readonly function: string;
  readonly namespace: string;
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

interface FunctionUsage {
  readonly namespace: string;
  /** Of instances that are gone, as it was last read. */
  pastCpuMs: number;
  cpuMs: number;
  memoryBytes: number;
}

/** Processor time by function that never falls: what an instance used up to its last reading stays when it is gone. */
export class UsageTotals {
  readonly #functions = new Map<string, FunctionUsage>();
  #last = new Map<string, InstanceUsage>();

  /** Takes one reading of all running instances. One that failed says 0: then the last one holds. */
  take(now: readonly InstanceUsage[]): ReadonlyMap<string, Readonly<FunctionUsage>> {
    const next = new Map(now.map((usage) => [usage.instance, this.#atLeastLast(usage)]));
    for (const [id, usage] of this.#last) if (!next.has(id)) this.#of(usage).pastCpuMs += usage.cpuMs;
    for (const total of this.#functions.values()) [total.cpuMs, total.memoryBytes] = [0, 0];
    for (const usage of next.values()) {
      const total = this.#of(usage);
      total.cpuMs += usage.cpuMs;
      total.memoryBytes += usage.memoryBytes;
    }
    this.#last = next;
    return this.#functions;
  }

  forget(key: string): void {
    this.#functions.delete(key);
    for (const [id, usage] of this.#last) if (usage.function === key) this.#last.delete(id);
  }

  #atLeastLast(usage: InstanceUsage): InstanceUsage {
    return { ...usage, cpuMs: Math.max(usage.cpuMs, this.#last.get(usage.instance)?.cpuMs ?? 0) };
  }

  #of({ function: key, namespace }: InstanceUsage): FunctionUsage {
    const total = this.#functions.get(key) ?? { namespace, pastCpuMs: 0, cpuMs: 0, memoryBytes: 0 };
    this.#functions.set(key, total);
    return total;
  }
}

/**
 * Processor time and memory of functions, by the names of OpenFaaS Pro (its docs, "Metrics"). They are read when they are
 * asked for; the time an instance used between the last scrape and its end is not seen.
 */
export function registerUsageMetrics(registry: Registry, read: () => Promise<readonly InstanceUsage[]>): UsageTotals {
  const totals = new UsageTotals();
  // One reading serves all series of a scrape.
  const look = shareWhileUnderWay(async () => totals.take(await read()));
  const options = { labelNames: ['function_name', 'namespace'], registers: [] };
  const cpu = new Counter<string>({
    ...options,
    name: 'pod_cpu_usage_seconds_total',
    help: 'Processor time that all instances of a function used',
    async collect() {
      const found = await look();
      this.reset();
      for (const [key, { namespace, pastCpuMs, cpuMs }] of found)
        this.inc({ function_name: key, namespace }, (pastCpuMs + cpuMs) / 1000);
    },
  });
  const memory = new Gauge<string>({
    ...options,
    name: 'pod_memory_working_set_bytes',
    help: 'Memory of all instances of a function that cannot simply be given back',
    async collect() {
      const found = await look();
      this.reset();
      for (const [key, { namespace, memoryBytes }] of found) this.set({ function_name: key, namespace }, memoryBytes);
    },
  });
  registry.registerMetric<string>(cpu);
  registry.registerMetric<string>(memory);
  return totals;
}
