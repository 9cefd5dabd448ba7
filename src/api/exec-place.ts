import { TinderboxError } from '../model/errors.ts';
import type { Instance } from '../model/instance.ts';
import type { ApiParts } from './api-parts.ts';
import { requireFunction } from './catalog.ts';
import { revisionOf } from './function-status.ts';
import { listInstances } from './instances.ts';

export interface ExecPlace {
  readonly namespace: string;
  readonly name: string;
  /** Id of an instance; undefined: any ready one. */
  readonly instance: string | undefined;
}

/**
 * The instance a command is to run beside; a function that sleeps is woken. Rejects with `not-found` for an unknown
 * function, or an instance that is not one of its running ones, and with the reason it cannot be woken.
 */
export async function findExecInstance(parts: ApiParts, place: ExecPlace): Promise<Instance> {
  const { namespace, name } = place;
  const record = requireFunction(parts.catalog, namespace, name);
  if (place.instance !== undefined) return requireInstance(parts, { ...place, instance: place.instance });
  const revision = revisionOf(record);
  const ready = (): Instance | undefined => {
    const all = listInstances(parts.engine, { name, namespace }).filter(({ state }) => state === 'ready');
    return all.find((each) => each.revision === revision) ?? all[0];
  };
  const found = ready();
  if (found !== undefined) return found;
  await parts.scaler.wake(revision);
  const woken = ready();
  if (woken !== undefined) return woken;
  throw new TinderboxError('unavailable', `function "${name}" woke up and ended again`, {
    hint: `see what it said: tinderbox logs ${name}`,
    retryAfterMs: 1000,
  });
}

function requireInstance(parts: ApiParts, place: ExecPlace & { readonly instance: string }): Instance {
  const { namespace, name, instance: id } = place;
  const own = listInstances(parts.engine, { name, namespace });
  const found = own.find((each) => each.id === id && (each.state === 'ready' || each.state === 'draining'));
  if (found !== undefined) return found;
  const state = own.find((each) => each.id === id)?.state;
  const why = state === undefined ? 'does not exist' : `is ${state}`;
  throw new TinderboxError('not-found', `instance "${id}" of function "${name}" ${why}`, {
    hint: `the instances there are: tinderbox instances ${name}`,
  });
}
