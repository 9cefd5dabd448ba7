import { z } from 'zod';
import { TinderboxError } from '../model/errors.ts';
import type { FunctionRecord } from '../model/function.ts';
import type { RevisionId } from '../model/names.ts';
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
  if (revision !== undefined) {
    try {
      replicas = await parts.scaler.setReplicas(revision, replicas);
    } catch (reason) {
      // A revision that cannot run now takes the count up once it can.
      if (!(reason instanceof TinderboxError) || reason.code !== 'not-found') throw reason;
    }
  }
  await changeFunction(parts, namespace, name, (latest) => ({ ...latest, replicas }));
}

/** The one that serves; or the newest, from the moment it is shown as available, which is a little before it serves. */
function runningRevision(record: FunctionRecord, { engine }: Pick<ApiParts, 'engine'>): RevisionId | undefined {
  if (record.serving !== undefined) return record.serving;
  const newest = revisionOf(record);
  return engine.instances().some(({ revision, state }) => revision === newest && state === 'ready')
    ? newest
    : undefined;
}
