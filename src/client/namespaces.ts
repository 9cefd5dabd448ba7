import type { Connection } from './connection.ts';
import { isText } from './read-reply.ts';
import { type Result, success } from './result.ts';

export interface Namespace {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface NamespacesClient {
  list(): Promise<Result<readonly string[]>>;
  get(name: string): Promise<Result<Namespace>>;
  create(namespace: Namespace): Promise<Result<void>>;
  /** Replaces labels and annotations. */
  update(namespace: Namespace): Promise<Result<void>>;
  remove(name: string): Promise<Result<void>>;
}

/** Mark by which OpenFaaS tells its namespaces from others; a provider refuses one without it. */
const mark = { openfaas: '1' };

export function createNamespacesClient(connection: Connection): NamespacesClient {
  const pathOf = (name: string): string => `/system/namespace/${encodeURIComponent(name)}`;
  const write = async (method: string, path: string, json: Namespace): Promise<Result<void>> => {
    const written = await connection.call({ method, path, json, timeoutMs: 60_000 });
    return written.ok ? success(undefined) : written;
  };
  return {
    list: () => connection.list({ method: 'GET', path: '/system/namespaces' }, isText),
    get: (name) => connection.json({ method: 'GET', path: pathOf(name) }),
    create: (namespace) => write('POST', '/system/namespace/', marked(namespace)),
    update: (namespace) => write('PUT', pathOf(namespace.name), marked(namespace)),
    remove: (name) => write('DELETE', pathOf(name), { name }),
  };
}

function marked(namespace: Namespace): Namespace {
  const { name, labels, annotations } = namespace;
  return { name, labels: { ...labels, ...mark }, annotations: { ...annotations, ...mark } };
}
