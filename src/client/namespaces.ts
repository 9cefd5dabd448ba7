import type { Connection } from './connection.ts';
import { type Result, success } from './result.ts';

export interface Namespace {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface NamespacesClient {
  list(): Promise<Result<readonly string[]>>;
  create(namespace: Namespace): Promise<Result<void>>;
  remove(name: string): Promise<Result<void>>;
}

/** Mark by which OpenFaaS tells its namespaces from others; a provider refuses one without it. */
const mark = { openfaas: '1' };

export function createNamespacesClient(connection: Connection): NamespacesClient {
  return {
    list: () => connection.json({ method: 'GET', path: '/system/namespaces' }),
    create: async (namespace) => {
      const json = {
        name: namespace.name,
        labels: { ...namespace.labels, ...mark },
        annotations: { ...namespace.annotations, ...mark },
      };
      const created = await connection.call({ method: 'POST', path: '/system/namespace/', json, timeoutMs: 60_000 });
      return created.ok ? success(undefined) : created;
    },
    remove: async (name) => {
      const path = `/system/namespace/${encodeURIComponent(name)}`;
      const removed = await connection.call({ method: 'DELETE', path, json: { name }, timeoutMs: 60_000 });
      return removed.ok ? success(undefined) : removed;
    },
  };
}
