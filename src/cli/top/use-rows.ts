import type { FunctionStatus } from '../../client/functions.ts';
import { defaultNamespace } from '../../model/names.ts';

/** All functions at one moment. */
export interface Look {
  /** Of a clock that only goes forward. */
  readonly atMs: number;
  readonly functions: readonly FunctionStatus[];
}

/** What a function uses, and how often it was called between two looks. */
export interface UseRow {
  readonly name: string;
  readonly namespace: string;
  readonly ready: number;
  readonly replicas: number;
  /** Thousandths of a core, of all its instances; undefined: nothing runs, or the platform does not say. */
  readonly cpuMillis: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly callsPerSecond: number;
  readonly invocations: number;
}

/** One row per function that is there now. A function that is new, or whose count began anew, counts from zero. */
export function useRows(before: Look, now: Look): readonly UseRow[] {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000);
  const keyOf = ({ name, namespace = defaultNamespace }: FunctionStatus): string => `${namespace}/${name}`;
  const earlier = new Map(before.functions.map((fn) => [keyOf(fn), fn.invocationCount ?? 0]));
  return now.functions.map((fn) => {
    const invocations = fn.invocationCount ?? 0;
    const then = earlier.get(keyOf(fn)) ?? 0;
    return {
      name: fn.name,
      namespace: fn.namespace ?? defaultNamespace,
      ready: fn.availableReplicas ?? 0,
      replicas: fn.replicas ?? 0,
      cpuMillis: fn.usage?.cpu,
      memoryBytes: fn.usage?.totalMemoryBytes,
      callsPerSecond: (invocations >= then ? invocations - then : invocations) / seconds,
      invocations,
    };
  });
}

/** Who uses most stands first: CPU, then calls, then memory, then the name. */
export function rankByUse(rows: readonly UseRow[]): readonly UseRow[] {
  return [...rows].sort(
    (a, b) =>
      (b.cpuMillis ?? -1) - (a.cpuMillis ?? -1) ||
      b.callsPerSecond - a.callsPerSecond ||
      (b.memoryBytes ?? -1) - (a.memoryBytes ?? -1) ||
      a.name.localeCompare(b.name, 'en'),
  );
}
