import type { InvocationLine, InvocationStatus, QueueDepth } from '../model/invocation-status.ts';
import type { Connection } from './connection.ts';
import { hasTexts } from './read-reply.ts';
import type { Result } from './result.ts';

/** Which stored calls; `function` is `name.namespace`, `state` a list separated by commas. */
export interface InvocationQuery {
  readonly function?: string;
  readonly state?: string;
  readonly limit?: string;
}

export interface InvocationsClient {
  /** The newest first. */
  list(query: InvocationQuery): Promise<Result<readonly InvocationStatus[]>>;
  get(id: string): Promise<Result<InvocationStatus>>;
  /** What the function wrote meanwhile. */
  logs(id: string): Promise<Result<readonly InvocationLine[]>>;
  /** What is stored and runs of each function. */
  depth(): Promise<Result<readonly QueueDepth[]>>;
  /** Removes a call that waits, or stops one that runs. */
  cancel(id: string): Promise<Result<unknown>>;
  /** Makes a dead letter a call again. */
  replay(id: string): Promise<Result<unknown>>;
  /** Removes the dead letters of a function. */
  purge(functionKey: string): Promise<Result<{ readonly purged: number }>>;
}

const path = '/system/invocations';

export function createInvocationsClient(connection: Connection): InvocationsClient {
  const one = (id: string): string => `${path}/${encodeURIComponent(id)}`;
  return {
    list: (query) => connection.list({ method: 'GET', path, query: { ...query } }, hasTexts('id', 'function')),
    logs: (id) => connection.list({ method: 'GET', path: `${one(id)}/logs` }, hasTexts('text')),
    depth: () => connection.list({ method: 'GET', path: '/system/queue' }, hasTexts('function', 'queue')),
    get: (id) => connection.json({ method: 'GET', path: one(id) }),
    cancel: (id) => connection.json({ method: 'DELETE', path: one(id) }),
    replay: (id) => connection.json({ method: 'POST', path: `${one(id)}/replay` }),
    purge: (key) => connection.json({ method: 'DELETE', path: '/system/dead-letters', query: { function: key } }),
  };
}
