import type { FastifyInstance } from 'fastify';
import { TinderboxError } from '../../model/errors.ts';
import { notice } from '../../observe/channels.ts';
import type { ApiParts } from '../api-parts.ts';
import { openLogs, parseLogQuery } from '../logs.ts';
import { addRoutes } from './create-server.ts';
import { abortWhenLeft, beginNdjson, cutUnread, writeLine } from './ndjson-reply.ts';
import { readQuery, resolveFunctionName } from './read-query.ts';

/** `GET /system/logs`: one JSON object per line, until the log ends, the client leaves, or the platform stops. */
export function addLogRoutes(app: FastifyInstance, parts: ApiParts): void {
  addRoutes(app, '/system/logs', {
    GET: async (request, reply) => {
      const params = {
        name: readQuery(request, 'name'),
        instance: readQuery(request, 'instance'),
        tail: readQuery(request, 'tail'),
        follow: readQuery(request, 'follow'),
        since: readQuery(request, 'since'),
      };
      const of = resolveLogName(params.name, readQuery(request, 'namespace'));
      const query = parseLogQuery(params, of.namespace, of.name);
      const left = abortWhenLeft(reply.raw);
      const over = query.follow ? AbortSignal.any([left, parts.stopping]) : left;
      const lines = openLogs(parts, query, over);
      beginNdjson(reply);
      try {
        for await (const line of lines) await writeLine(reply.raw, line, over);
      } catch (reason) {
        if (!over.aborted) notice.publish({ level: 'warn', part: 'api', message: TinderboxError.from(reason).message });
      } finally {
        reply.raw.end();
      }
      if (query.follow && parts.stopping.aborted) cutUnread(reply.raw);
      return reply;
    },
  });
}

function resolveLogName(name: string | undefined, namespace: string | undefined): { namespace: string; name: string } {
  try {
    return resolveFunctionName(name ?? '', namespace);
  } catch (reason) {
    const message = name === undefined ? 'name: is required' : TinderboxError.from(reason).message;
    throw new TinderboxError('unprocessable', message, { cause: reason });
  }
}
