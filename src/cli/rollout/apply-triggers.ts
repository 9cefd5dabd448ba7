import { dataOf, type Result } from '../../client/result.ts';
import type { TriggersClient } from '../../client/triggers.ts';
import { TinderboxError } from '../../model/errors.ts';
import { defaultNamespace } from '../../model/names.ts';
import { formatTriggerKey, type TriggerStatus } from '../../model/trigger.ts';
import type { FunctionAddress } from '../flags/function-address.ts';
import type { StackTrigger } from '../stack/stack-file.ts';
import type { Rollout } from './deploy-functions.ts';

/** What all functions of one deploy say about triggers. */
export interface DeclaredTriggers {
  /** `namespace/name` of the triggers that stand in the stack file. */
  readonly triggers: ReadonlySet<string>;
  /** `namespace/name` of the functions that are deployed with it. */
  readonly functions: ReadonlySet<string>;
}

/** Throws `invalid` when two functions of a namespace have a trigger of the same name: the last would have it. */
export function declaredTriggers(rollouts: readonly Rollout[]): DeclaredTriggers {
  const owners = new Map<string, string>();
  const functions = new Set<string>();
  for (const { deployment, triggers = [] } of rollouts) {
    const { service, namespace = defaultNamespace } = deployment;
    functions.add(formatTriggerKey({ namespace, name: service }));
    for (const { name } of triggers) {
      const key = formatTriggerKey({ namespace, name });
      const owner = owners.get(key);
      if (owner !== undefined) {
        throw new TinderboxError('invalid', `trigger "${name}" stands below functions "${owner}" and "${service}"`, {
          hint: `the names of triggers are those of their namespace, "${namespace}": give one of them another`,
        });
      }
      owners.set(key, service);
    }
  }
  return { triggers: new Set(owners.keys()), functions };
}

/**
 * Throws `conflict` when a trigger of the stack file would take the place of another function's, unless a stack file made
 * that one and its function is deployed with this one: then it has moved.
 */
export async function assertTriggersFree(
  client: TriggersClient,
  { name, namespace }: FunctionAddress,
  triggers: readonly StackTrigger[],
  declared: DeclaredTriggers,
): Promise<void> {
  if (triggers.length === 0) return;
  const wanted = new Set(triggers.map((trigger) => trigger.name));
  for (const present of presentIn(await client.list({ namespace }))) {
    if (!wanted.has(present.name) || present.function === name || present.readOnly) continue;
    const owner = formatTriggerKey({ namespace, name: present.function });
    if (present.origin === 'stack' && declared.functions.has(owner)) continue;
    throw new TinderboxError(
      'conflict',
      `trigger "${present.name}" of function "${name}" exists already in namespace "${namespace}", for function "${present.function}"`,
      { hint: `give it another name, or delete that one: tinderbox trigger delete ${present.name} -n ${namespace}` },
    );
  }
}

/**
 * Makes the triggers of one function what its stack file says: those that stand there are made or replaced, and those that a
 * stack file made before and that are `declared` nowhere in it now are deleted. Resolves with the names of the latter.
 * Triggers that were made one by one, or by annotations, stay. What is wrong with a trigger is told with its name.
 */
export async function applyTriggers(
  client: TriggersClient,
  { name, namespace }: FunctionAddress,
  triggers: readonly StackTrigger[],
  declared: DeclaredTriggers,
): Promise<readonly string[]> {
  for (const trigger of triggers) {
    const request = { ...trigger.spec, name: trigger.name, namespace, function: name, origin: 'stack' } as const;
    dataOfTrigger(trigger.name, await client.apply(request));
  }
  const present = presentIn(await client.list({ namespace, function: name }));
  const gone = present.filter((each) => each.origin === 'stack' && !declared.triggers.has(formatTriggerKey(each)));
  for (const each of gone) {
    const deleted = await client.act('delete', each.name, namespace);
    if (deleted.ok || deleted.error.code !== 'not-found') dataOfTrigger(each.name, deleted);
  }
  return gone.map((each) => each.name);
}

/** None on a platform of another make. */
function presentIn(listed: Result<readonly TriggerStatus[]>): readonly TriggerStatus[] {
  if (!listed.ok && ['not-found', 'unsupported', 'method-not-allowed'].includes(listed.error.code)) return [];
  return dataOf(listed);
}

function dataOfTrigger(name: string, result: Result<unknown>): void {
  if (result.ok) return;
  const { code, message, hint } = result.error;
  throw new TinderboxError(code, `trigger "${name}": ${message}`, hint === undefined ? {} : { hint });
}
