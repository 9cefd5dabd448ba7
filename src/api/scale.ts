import { z } from 'zod';
import { type ErrorCode, TinderboxError } from '../model/errors.ts';
import type { FunctionRecord } from '../model/function.ts';
import { formatRevisionId, type RevisionId } from '../model/names.ts';
import { resolveSettings } from '../model/settings.ts';
import type { ApiParts } from './api-parts.ts';
import { requireFunction } from './catalog.ts';
import { changeFunction } from './change-function.ts';
import { revisionOf } from './function-status.ts';

/** OpenFaaS's ScaleServiceRequest. */
export const scaleRequest = z.strictObject(
  {
    serviceName: z.string('is not a string').nullish(),
    replicas: z
      .int('is not a whole number')
      .min(0, 'is below the minimum of 0')
      .max(1_000_000, 'is above the maximum of 1000000')
      .nullish(),
    namespace: z.string('is not a string').nullish(),
  },
  'is not a JSON object',
);

/**
 * Sets a function's replicas by hand: 0, or within what its labels `com.openfaas.scale.min` and `.max` allow. The load
 * takes over from there. Rejects with `not-found`, or `host-full` when not one more fits.
 */
export async function scaleFunction(parts: ApiParts, namespace: string, name: string, wanted: number): Promise<void> {
  const record = requireFunction(parts.catalog, namespace, name);
  const { min, max } = resolveSettings(record.spec).scaling;
  let replicas = wanted === 0 ? 0 : Math.min(max, Math.max(1, min, wanted));
  const revision = runningRevision(record, parts);
  if (revision !== undefined) replicas = (await setReplicas(revision, replicas, ['not-found'], parts)) ?? replicas;
  await changeFunction(parts, namespace, name, (latest) => ({ ...latest, replicas }));
  // One that is rolled out beside it is about to take its calls; to prove itself it needs an instance, so not with none.
  const coming = formatRevisionId(namespace, name, record.latest);
  if (coming !== revision && replicas > 0) await setReplicas(coming, replicas, ['not-found', 'host-full'], parts);
}

/** Undefined for one of these errors: a revision that cannot run now takes the count up once it can. */
async function setReplicas(
  revision: RevisionId,
  count: number,
  excused: readonly ErrorCode[],
  { scaler }: Pick<ApiParts, 'scaler'>,
): Promise<number | undefined> {
  try {
    return await scaler.setReplicas(revision, count);
  } catch (reason) {
    if (reason instanceof TinderboxError && excused.includes(reason.code)) return undefined;
    throw reason;
  }
}

/** The one that serves; or the newest, from the moment it is shown as available, which is a little before it serves. */
function runningRevision(record: FunctionRecord, { engine }: Pick<ApiParts, 'engine'>): RevisionId | undefined {
  if (record.serving !== undefined) return record.serving;
  const newest = revisionOf(record);
  return engine.instances().some(({ revision, state }) => revision === newest && state === 'ready')
    ? newest
    : undefined;
}
