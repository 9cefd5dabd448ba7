import { z } from 'zod';
import { TinderboxError } from '../model/errors.ts';
import { assertName, parseFunctionKey } from '../model/names.ts';
import { oneLine } from '../model/one-line.ts';
import { resolveSettings } from '../model/settings.ts';
import type { ApiParts } from './api-parts.ts';
import { requireFunction } from './catalog.ts';
import { revisionOf } from './function-status.ts';
import { parseFields } from './parse-json.ts';
import { scaleFunction } from './scale.ts';

const maxAlerts = 1000;

/** What counts of an Alertmanager webhook; it sends much more. */
export const alertRequest = z.object(
  {
    status: z.string('is not a string').optional(),
    receiver: z.string('is not a string').optional(),
    alerts: z
      .array(
        z.object({
          status: z.enum(['firing', 'resolved'], 'is neither firing nor resolved'),
          labels: z.object(
            {
              alertname: z.string('is not a string').optional(),
              function_name: z.string('is not a string').min(1, 'is empty; give the name of a function'),
            },
            'is not an object',
          ),
        }),
        'is not a list',
      )
      .max(maxAlerts, `has more than ${maxAlerts} entries`),
  },
  'is not a JSON object',
);

/**
 * OpenFaaS's formula: an alert that fires adds `factor` percent of the maximum, rounded up, and never exceeds it; one
 * that is resolved leads back to the minimum. `factor` 0 changes nothing.
 */
export function decideAlertReplicas(
  status: 'firing' | 'resolved',
  current: number,
  { min, max, factor }: { readonly min: number; readonly max: number; readonly factor: number },
): number {
  if (status === 'resolved') return Math.max(1, min);
  const step = Math.ceil((max / 100) * factor);
  return step === 0 ? current : Math.min(current + step, max);
}

/**
 * Scales every function an alert names. Rejects with `invalid` for a body that is no webhook; when single alerts cannot be
 * followed, the others are, and it rejects with one line for each, as OpenFaaS does.
 */
export async function followAlerts(parts: ApiParts, json: unknown): Promise<void> {
  const { alerts } = parseFields(alertRequest, json);
  const failures: string[] = [];
  for (const [index, { status, labels }] of alerts.entries()) {
    try {
      await followAlert(parts, status, labels.function_name);
    } catch (reason) {
      failures.push(`[${index}] ${oneLine(TinderboxError.from(reason).message)}`);
    }
  }
  if (failures.length > 0) throw new TinderboxError('alert-failed', failures.join('\n'));
}

async function followAlert(parts: ApiParts, status: 'firing' | 'resolved', text: string): Promise<void> {
  const { namespace, name } = parseFunctionKey(text);
  assertName('function', name);
  assertName('namespace', namespace);
  const record = requireFunction(parts.catalog, namespace, name);
  const revision = record.serving ?? revisionOf(record);
  const current = parts.scaler.counts().get(revision) ?? record.replicas;
  const { scaling } = resolveSettings(record.spec);
  if (status === 'firing' && scaling.factor === 0) return;
  const wanted = decideAlertReplicas(status, current, scaling);
  // The load alone would take away again what an alert asked for.
  parts.scaler.alert(revision, status === 'firing' ? wanted : 0);
  if (wanted !== current) await scaleFunction(parts, namespace, name, wanted);
}
