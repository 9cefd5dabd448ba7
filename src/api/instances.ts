import type { Engine } from '../engine/engine.ts';
import type { Instance } from '../model/instance.ts';
import { parseRevisionId } from '../model/names.ts';

/** An instance with the function it belongs to. */
export interface InstanceStatus extends Instance {
  readonly function: string;
  readonly namespace: string;
}

/** Instances now and of the last minutes; of one function, one namespace, or all. */
export function listInstances(
  engine: Pick<Engine, 'instances'>,
  filter: { readonly name?: string | undefined; readonly namespace?: string | undefined },
): readonly InstanceStatus[] {
  return engine
    .instances()
    .map((instance) => {
      const { namespace, name } = parseRevisionId(instance.revision);
      return { ...instance, function: name, namespace };
    })
    .filter(
      (each) =>
        (filter.name === undefined || each.function === filter.name) &&
        (filter.namespace === undefined || each.namespace === filter.namespace),
    );
}
