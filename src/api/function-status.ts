import type { FunctionRecord, FunctionSpec } from '../model/function.ts';
import type { Instance } from '../model/instance.ts';
import { formatRevisionId, type RevisionId } from '../model/names.ts';

/** Processor (thousandths of a core) and memory a function uses now. */
export interface Usage {
  readonly cpu: number;
  readonly totalMemoryBytes: number;
}

/** OpenFaaS's FunctionStatus: labels and annotations are always there, what was never set is left out. */
export interface FunctionStatus extends Partial<Omit<FunctionSpec, 'name' | 'namespace' | 'image'>> {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Instances there should be. */
  readonly replicas: number;
  /** Instances that take calls. */
  readonly availableReplicas: number;
  readonly createdAt: string;
  /** Calls so far, whatever their answer; in lists only. */
  readonly invocationCount?: number;
  readonly usage?: Usage;
}

/** The revision whose instances count for a function: the serving one, or the newest while none ever served. */
export function revisionOf({ spec, serving, latest }: FunctionRecord): RevisionId {
  return serving ?? formatRevisionId(spec.namespace, spec.name, latest);
}

/** Puts the label in that OpenFaaS's clients select by. */
export function formatStatus(
  record: FunctionRecord,
  counts: { readonly replicas: number; readonly availableReplicas: number },
): FunctionStatus {
  const { secrets, ...spec } = record.spec;
  return {
    ...spec,
    ...(secrets.length === 0 ? {} : { secrets }),
    labels: { ...spec.labels, faas_function: spec.name },
    ...counts,
    createdAt: record.createdAt,
  };
}

/** Ready instances by revision, counted in one walk for a whole list. */
export function countReady(instances: readonly Instance[]): ReadonlyMap<RevisionId, number> {
  const counts = new Map<RevisionId, number>();
  for (const { revision, state } of instances) {
    if (state === 'ready') counts.set(revision, (counts.get(revision) ?? 0) + 1);
  }
  return counts;
}
