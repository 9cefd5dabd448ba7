import type { Instance } from '../model/instance.ts';
import type { Connection } from './connection.ts';
import { hasTexts } from './read-reply.ts';
import type { Result } from './result.ts';

export interface InstancesClient {
  /** Running copies, also those stopped or failed in the last minutes. */
  list(filter: { readonly function?: string; readonly namespace?: string }): Promise<Result<readonly Instance[]>>;
}

export function createInstancesClient(connection: Connection): InstancesClient {
  return {
    list: (filter) =>
      connection.list({ method: 'GET', path: '/system/instances', query: { ...filter } }, hasTexts('id')),
  };
}
