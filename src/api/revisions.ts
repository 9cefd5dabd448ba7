import type { RevisionState } from '../model/function.ts';
import type { Protections } from '../model/instance.ts';
import type { RevisionId } from '../model/names.ts';
import type { ApiParts } from './api-parts.ts';
import { listRevisions, requireFunction } from './catalog.ts';

/** How a rollout stands, for whoever follows it. */
export interface RevisionStatus {
  /** `namespace/name-00003`. */
  readonly id: RevisionId;
  readonly state: RevisionState;
  /** Why it failed, with the last log lines; of one that was deployed well, why it cannot run any more. */
  readonly failure?: string;
  /** Whether calls go to it. */
  readonly serving: boolean;
  readonly image: string;
  /** Digest of what the image name stood for. */
  readonly artifact: string;
  readonly createdAt: string;
  readonly ready: number;
  readonly starting: number;
  /** What is in force for its newest instance; absent while it has none. */
  readonly protections?: Protections;
}

/** Revisions of a function that are kept, newest first. Throws `not-found`. */
export function listRevisionStatus(parts: ApiParts, namespace: string, name: string): readonly RevisionStatus[] {
  const { serving } = requireFunction(parts.catalog, namespace, name);
  const instances = parts.engine.instances();
  return listRevisions(parts.catalog, namespace, name).map((record) => {
    const own = instances.filter(({ revision }) => revision === record.id);
    const protections = own.at(-1)?.protections;
    const failure = record.failure ?? (record.state === 'ready' ? parts.scaler.obstacle(record.id) : undefined);
    return {
      id: record.id,
      state: record.state,
      ...(failure === undefined ? {} : { failure }),
      serving: record.id === serving,
      image: record.spec.image,
      artifact: record.artifact,
      createdAt: record.createdAt,
      ready: own.filter(({ state }) => state === 'ready').length,
      starting: own.filter(({ state }) => state === 'starting').length,
      ...(protections === undefined ? {} : { protections }),
    };
  });
}
