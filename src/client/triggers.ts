import type { DeliveryTexts, NatsTrigger, ScheduleTrigger, TriggerOrigin, TriggerStatus } from '../model/trigger.ts';
import type { Connection } from './connection.ts';
import { hasTexts } from './read-reply.ts';
import type { Result } from './result.ts';

/** A trigger as it is asked for; what is left out is completed by the platform. */
export interface TriggerRequest extends DeliveryTexts {
  readonly name: string;
  readonly namespace: string;
  readonly function: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly schedule?: Partial<ScheduleTrigger>;
  readonly nats?: Partial<NatsTrigger>;
  readonly paused?: boolean;
  readonly origin?: TriggerOrigin;
}

export interface TriggersClient {
  /** By name; `function` without its namespace. */
  list(query: { readonly namespace: string; readonly function?: string }): Promise<Result<readonly TriggerStatus[]>>;
  get(name: string, namespace: string): Promise<Result<TriggerStatus>>;
  create(trigger: TriggerRequest): Promise<Result<unknown>>;
  /** Makes it, or replaces the one that is there. */
  apply(trigger: TriggerRequest): Promise<Result<unknown>>;
  act(what: 'pause' | 'resume' | 'delete', name: string, namespace: string): Promise<Result<unknown>>;
}

const path = '/system/triggers';

export function createTriggersClient(connection: Connection): TriggersClient {
  const one = (name: string): string => `${path}/${encodeURIComponent(name)}`;
  const create = (trigger: TriggerRequest): Promise<Result<unknown>> =>
    connection.json({ method: 'POST', path, json: trigger });
  return {
    create,
    list: (query) => connection.list({ method: 'GET', path, query: { ...query } }, hasTexts('name')),
    get: (name, namespace) => connection.json({ method: 'GET', path: one(name), query: { namespace } }),
    async apply(trigger) {
      const replaced = await connection.json({ method: 'PUT', path: one(trigger.name), json: trigger });
      return !replaced.ok && replaced.error.code === 'not-found' ? await create(trigger) : replaced;
    },
    act: (what, name, namespace) =>
      what === 'delete'
        ? connection.json({ method: 'DELETE', path: one(name), query: { namespace } })
        : connection.json({ method: 'POST', path: `${one(name)}/${what}`, query: { namespace } }),
  };
}
