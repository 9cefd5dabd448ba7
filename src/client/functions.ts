import type { ResourceAmounts } from '../model/function.ts';
import type { Connection } from './connection.ts';
import { type Result, success } from './result.ts';

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

export interface FunctionsClient {
  list(namespace?: string): Promise<Result<readonly FunctionStatus[]>>;
  get(name: string, namespace?: string): Promise<Result<FunctionStatus>>;
  /** Updates, and creates what was not there. */
  deploy(deployment: FunctionDeployment): Promise<Result<{ readonly created: boolean }>>;
  remove(name: string, namespace?: string): Promise<Result<void>>;
}

const path = '/system/functions';

export function createFunctionsClient(connection: Connection): FunctionsClient {
  return {
    list: (namespace) => connection.json({ method: 'GET', path, query: { namespace } }),
    get: (name, namespace) =>
      connection.json({
        method: 'GET',
        path: `/system/function/${encodeURIComponent(name)}`,
        query: { namespace, usage: 1 },
      }),
    deploy: async (deployment) => {
      const updated = await connection.call({ method: 'PUT', path, json: deployment, timeoutMs: 60_000 });
      if (updated.ok) return success({ created: false });
      if (updated.error.code !== 'not-found') return updated;
      const created = await connection.call({ method: 'POST', path, json: deployment, timeoutMs: 60_000 });
      return created.ok ? success({ created: true }) : created;
    },
    remove: async (name, namespace) => {
      const json = { functionName: name, ...(namespace === undefined ? {} : { namespace }) };
      const removed = await connection.call({ method: 'DELETE', path, json, timeoutMs: 60_000 });
      return removed.ok ? success(undefined) : removed;
    },
  };
}
