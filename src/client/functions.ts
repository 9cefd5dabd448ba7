import type { ResourceAmounts } from '../model/function.ts';
import { TinderboxError } from '../model/errors.ts';
import type { Connection } from './connection.ts';
import { hasTexts } from './read-reply.ts';
import { failure, type Result, success } from './result.ts';

/** What is sent to deploy: OpenFaaS's FunctionDeployment. */
export interface FunctionDeployment {
  readonly service: string;
  readonly image: string;
  readonly namespace?: string;
  readonly envProcess?: string;
  readonly envVars?: Readonly<Record<string, string>>;
  readonly constraints?: readonly string[];
  readonly secrets?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly limits?: ResourceAmounts;
  readonly requests?: ResourceAmounts;
  readonly readOnlyRootFilesystem?: boolean;
}

/** What is told of a function: OpenFaaS's FunctionStatus. Zero values are absent. */
export interface FunctionStatus extends Omit<FunctionDeployment, 'service'> {
  readonly name: string;
  readonly replicas?: number;
  readonly availableReplicas?: number;
  /** All calls whatever their answer; absent where only one function was asked for. */
  readonly invocationCount?: number;
  readonly createdAt?: string;
  readonly usage?: { readonly cpu?: number; readonly totalMemoryBytes?: number };
}

/**
 * What a deploy does with a function that is there: a new revision, a refusal (`conflict`), or away with it first.
 */
export type DeployMode = 'update' | 'create' | 'replace';

export interface FunctionsClient {
  list(namespace?: string): Promise<Result<readonly FunctionStatus[]>>;
  get(name: string, namespace?: string): Promise<Result<FunctionStatus>>;
  /** Creates what was not there; `mode` (default `update`) is about what was. */
  deploy(deployment: FunctionDeployment, mode?: DeployMode): Promise<Result<{ readonly created: boolean }>>;
  remove(name: string, namespace?: string): Promise<Result<void>>;
}

const path = '/system/functions';

const goneWithinMs = 30_000;
const goneEveryMs = 100;

export function createFunctionsClient(connection: Connection): FunctionsClient {
  const write = (method: 'PUT' | 'POST', json: FunctionDeployment): ReturnType<Connection['call']> =>
    connection.call({ method, path, json, timeoutMs: 60_000 });
  const create = async (deployment: FunctionDeployment): ReturnType<FunctionsClient['deploy']> => {
    const created = await write('POST', deployment);
    return created.ok ? success({ created: true }) : created;
  };
  const get: FunctionsClient['get'] = (name, namespace) =>
    connection.json(
      { method: 'GET', path: `/system/function/${encodeURIComponent(name)}`, query: { namespace, usage: 1 } },
      hasTexts('name'),
    );
  const remove: FunctionsClient['remove'] = async (name, namespace) => {
    const json = { functionName: name, ...(namespace === undefined ? {} : { namespace }) };
    const removed = await connection.call({ method: 'DELETE', path, json, timeoutMs: 60_000 });
    return removed.ok ? success(undefined) : removed;
  };
  /** Removing is accepted before it is done, and the name is taken until then. */
  const removeWholly = async ({ service, namespace }: FunctionDeployment): Promise<Result<void>> => {
    const removed = await remove(service, namespace);
    if (!removed.ok) return removed.error.code === 'not-found' ? success(undefined) : removed;
    const endMs = performance.now() + goneWithinMs;
    while (performance.now() < endMs) {
      const found = await get(service, namespace);
      if (!found.ok) return found.error.code === 'not-found' ? success(undefined) : found;
      await new Promise((done) => setTimeout(done, goneEveryMs));
    }
    return failure(
      new TinderboxError('deadline', `${service} is still there ${goneWithinMs / 1000} s after its removal`),
    );
  };
  return {
    list: (namespace) => connection.list({ method: 'GET', path, query: { namespace } }, hasTexts('name')),
    get,
    remove,
    deploy: async (deployment, mode = 'update') => {
      if (mode === 'create') return create(deployment);
      if (mode === 'replace') {
        const removed = await removeWholly(deployment);
        return removed.ok ? create(deployment) : removed;
      }
      const updated = await write('PUT', deployment);
      if (updated.ok) return success({ created: false });
      return updated.error.code === 'not-found' ? create(deployment) : updated;
    },
  };
}
