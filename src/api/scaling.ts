import { listEffectiveSettings } from '../model/list-effective-settings.ts';
import type { ScalingReport } from '../model/scaling-report.ts';
import { resolveSettings } from '../model/settings.ts';
import type { ApiParts } from './api-parts.ts';
import { requireFunction } from './catalog.ts';
import { revisionOf } from './function-status.ts';

/**
 * Every setting of a function's scaling with its source, and the last decisions. One that is not running yet, or cannot
 * run, has settings only. Throws `not-found`.
 */
export function reportScaling(parts: ApiParts, namespace: string, name: string): ScalingReport {
  const record = requireFunction(parts.catalog, namespace, name);
  const revision = record.serving ?? revisionOf(record);
  const explained = parts.scaler.explain(revision);
  const scaling = explained?.scaling ?? resolveSettings(record.spec).scaling;
  const settings = listEffectiveSettings(scaling);
  if (explained === undefined) return { revision, ready: 0, dryRun: scaling.dryRun, settings };
  const { desired, ready, decision, change, meterFailure } = explained;
  return {
    revision,
    desired,
    ready,
    dryRun: scaling.dryRun,
    settings,
    ...(decision === undefined ? {} : { decision }),
    ...(change === undefined ? {} : { change }),
    ...(meterFailure === undefined ? {} : { meterFailure }),
  };
}
