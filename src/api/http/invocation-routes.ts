import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TinderboxError } from '../../model/errors.ts';
import { type FunctionKey, formatFunctionKey } from '../../model/names.ts';
import type { ApiParts } from '../api-parts.ts';
import { readCallLines } from '../call-lines.ts';
import { createInvocations } from '../invocations.ts';
import { addRoutes } from './create-server.ts';
import { readParam, readQuery, resolveFunctionName } from './read-query.ts';

/** Stored calls, dead letters, and functions the clock calls: our own, OpenFaaS has no such routes. */
export function addInvocationRoutes(app: FastifyInstance, parts: ApiParts): void {
  const invocations = createInvocations(parts.calls);
  addRoutes(app, '/system/invocations', {
    GET: (request) =>
      invocations.list({
        function: readFunction(request),
        states: readQuery(request, 'state'),
        limit: readQuery(request, 'limit'),
      }),
  });
  addRoutes(app, '/system/invocations/:id', {
    GET: (request) => invocations.get(readParam(request, 'id')),
    DELETE: async (request, reply) => {
      await invocations.cancel(readParam(request, 'id'));
      return reply.code(202).send();
    },
  });
  addRoutes(app, '/system/invocations/:id/logs', {
    GET: async (request) => readCallLines(parts, await invocations.get(readParam(request, 'id'))),
  });
  addRoutes(app, '/system/invocations/:id/replay', {
    POST: async (request, reply) => {
      await invocations.replay(readParam(request, 'id'));
      return reply.code(202).send();
    },
  });
  addRoutes(app, '/system/dead-letters', {
    DELETE: async (request) => {
      const key = readFunction(request);
      if (key === undefined) throw new TinderboxError('invalid', 'function: is required');
      return { purged: await invocations.purge(key) };
    },
  });
  addRoutes(app, '/system/queue', { GET: () => invocations.depth() });
  addRoutes(app, '/system/schedules', { GET: () => parts.schedules().map(formatPlanned) });
}

function formatPlanned(planned: ReturnType<ApiParts['schedules']>[number]): object {
  const { nextMs, function: key, expression } = planned;
  const run = { function: key, expression };
  return nextMs === undefined ? run : { ...run, next: new Date(nextMs).toISOString() };
}

function readFunction(request: FastifyRequest): FunctionKey | undefined {
  const name = readQuery(request, 'function');
  if (name === undefined) return undefined;
  const parsed = resolveFunctionName(name, readQuery(request, 'namespace'));
  return formatFunctionKey(parsed.namespace, parsed.name);
}
