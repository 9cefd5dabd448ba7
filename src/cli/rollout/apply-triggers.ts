import { dataOf } from '../../client/result.ts';
import type { TriggersClient } from '../../client/triggers.ts';
import { defaultNamespace } from '../../model/names.ts';
import { formatTriggerKey } from '../../model/trigger.ts';
import type { FunctionAddress } from '../flags/function-address.ts';
import type { StackTrigger } from '../stack/stack-file.ts';
import type { Rollout } from './deploy-functions.ts';

/** `namespace/name` of all triggers of the stack file. */
export function declaredTriggers(rollouts: readonly Rollout[]): ReadonlySet<string> {
  const keys = rollouts.flatMap(({ deployment, triggers = [] }) =>
    triggers.map(({ name }) => formatTriggerKey({ namespace: deployment.namespace ?? defaultNamespace, name })),
  );
  return new Set(keys);
}

/**
 * Makes the triggers of one function what its stack file says: those that stand there are made or replaced, and those that a
 * stack file made before and that are `declared` nowhere in it now are deleted. Resolves with the names of the latter.
 * Triggers that were made one by one, or by annotations, stay.
 */
export async function applyTriggers(
  client: TriggersClient,
  { name, namespace }: FunctionAddress,
  triggers: readonly StackTrigger[],
  declared: ReadonlySet<string>,
): Promise<readonly string[]> {
  for (const trigger of triggers) {
    const request = { ...trigger.spec, name: trigger.name, namespace, function: name, origin: 'stack' } as const;
    dataOf(await client.apply(request));
  }
  const present = await client.list({ namespace, function: name });
  // A platform of another make has none.
  if (!present.ok && ['not-found', 'unsupported', 'method-not-allowed'].includes(present.error.code)) return [];
  const gone = dataOf(present).filter((each) => each.origin === 'stack' && !declared.has(formatTriggerKey(each)));
  for (const each of gone) {
    const deleted = await client.act('delete', each.name, namespace);
    if (deleted.ok || deleted.error.code !== 'not-found') dataOf(deleted);
  }
  return gone.map((each) => each.name);
}
