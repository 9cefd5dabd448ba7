import type { RevisionState } from '../model/function.ts';
import type { Connection } from './connection.ts';
import { hasTexts } from './read-reply.ts';
import type { Result } from './result.ts';

export interface RevisionSummary {
  /** `namespace/name-00003`. */
  readonly id: string;
  readonly state: RevisionState;
  /** Why it failed, with the last log lines; of one that was deployed well, why it cannot run any more. */
  readonly failure?: string;
  /** Whether calls go to it. */
  readonly serving: boolean;
  readonly createdAt: string;
  readonly image: string;
}

export interface RevisionsClient {
  /** Newest first. */
  list(name: string, namespace?: string): Promise<Result<readonly RevisionSummary[]>>;
}

export function createRevisionsClient(connection: Connection): RevisionsClient {
  return {
    list: (name, namespace) =>
      connection.list(
        { method: 'GET', path: `/system/function/${encodeURIComponent(name)}/revisions`, query: { namespace } },
        hasTexts('id', 'state'),
      ),
  };
}
