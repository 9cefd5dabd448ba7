import { createHash } from 'node:crypto';
import { TinderboxError } from '../../../model/errors.ts';
import { formatTriggerKey, type TriggerSpec } from '../../../model/trigger.ts';
import type { Source } from '../source.ts';
import { createCoreSource, type NatsSourceOptions } from './core-source.ts';
import { createJetStreamSource } from './jetstream-source.ts';

/** The source of a trigger of kind `nats`: of a stream when it names one, else of the subject alone. */
export function createNatsSource(
  spec: TriggerSpec,
  options: Pick<NatsSourceOptions, 'connections' | 'address' | 'tell'>,
): Source {
  const { nats: trigger } = spec;
  if (trigger === undefined) {
    throw new TinderboxError('internal', `trigger ${formatTriggerKey(spec)} is not of NATS`);
  }
  const all = { ...options, trigger, ownName: ownNameOf(spec) };
  const { stream } = trigger;
  return stream === undefined
    ? createCoreSource(all)
    : createJetStreamSource({ ...all, trigger: { ...trigger, stream } });
}

/** Names of namespaces and triggers have no underscore; those of annotations have what a name at NATS cannot have. */
function ownNameOf({ namespace, name }: TriggerSpec): string {
  const safe = /^[-a-z0-9]+$/.test(name);
  return `tinderbox_${namespace}_${safe ? name : createHash('sha256').update(name).digest('hex').slice(0, 20)}`;
}
