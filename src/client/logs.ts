import { TinderboxError } from '../model/errors.ts';
import type { LogLine } from '../model/log-line.ts';
import type { Connection } from './connection.ts';
import { errorFromNetwork } from './failures.ts';
import { parseNdjson } from './ndjson.ts';
import { hasTexts } from './read-reply.ts';
import { type Result, success } from './result.ts';

export interface LogsQuery {
  readonly name: string;
  readonly namespace?: string;
  readonly instance?: string;
  /** Last lines only. */
  readonly tail?: number;
  /** RFC 3339. */
  readonly since?: string;
  readonly follow: boolean;
}

export interface LogsClient {
  /** Lines oldest first, as they arrive; with `follow` until the signal aborts. Iterating throws a TinderboxError. */
  read(query: LogsQuery, signal?: AbortSignal): Promise<Result<AsyncIterable<LogLine>>>;
}

export function createLogsClient(connection: Connection): LogsClient {
  return {
    read: async (query, signal) => {
      const opened = await connection.call({ method: 'GET', path: '/system/logs', query: { ...query }, signal });
      if (!opened.ok) return opened;
      return success(linesOf(opened.data.body, connection.gateway));
    },
  };
}

const isLine = hasTexts('text');

async function* linesOf(body: AsyncIterable<Uint8Array> | null, gateway: string): AsyncGenerator<LogLine> {
  try {
    if (body === null) return;
    for await (const line of parseNdjson<LogLine>(body)) {
      if (!isLine(line)) throw new TinderboxError('bad-reply', `${gateway} answered with what is no line of a log`);
      yield line;
    }
  } catch (reason) {
    throw errorFromNetwork(reason, gateway);
  }
}
