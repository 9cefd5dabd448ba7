import type { FastifyInstance, FastifyRequest } from 'fastify';
import { assertName } from '../../model/names.ts';
import type { ApiParts } from '../api-parts.ts';
import { parseJson } from '../parse-json.ts';
import { type ParsedTrigger, parseTrigger } from '../parse-trigger.ts';
import { createTriggers } from '../triggers.ts';
import { addRoutes } from './create-server.ts';
import { readNamespace, readParam, readQuery } from './read-query.ts';

/** What sets functions off; our own, OpenFaaS has annotations for it. */
export function addTriggerRoutes(app: FastifyInstance, parts: ApiParts): void {
  const triggers = createTriggers(parts);
  const parse = (request: FastifyRequest, name?: string): ParsedTrigger =>
    parseTrigger(parseJson(request.body), { name, namespace: readQuery(request, 'namespace') }, parts.triggers.nats);
  addRoutes(app, '/system/triggers', {
    GET: (request) => {
      const name = readQuery(request, 'function');
      if (name !== undefined) assertName('function', name);
      return triggers.list(readNamespace(request), name);
    },
    POST: async (request, reply) => {
      await triggers.create(parse(request));
      return reply.code(201).send();
    },
  });
  addRoutes(app, '/system/triggers/:name', {
    GET: (request) => triggers.get(readNamespace(request), readParam(request, 'name')),
    PUT: async (request, reply) => {
      await triggers.replace(parse(request, readParam(request, 'name')));
      return reply.code(202).send();
    },
    DELETE: async (request, reply) => {
      await triggers.remove(readNamespace(request), readParam(request, 'name'));
      return reply.code(202).send();
    },
  });
  for (const [action, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    addRoutes(app, `/system/triggers/:name/${action}`, {
      POST: async (request, reply) => {
        await triggers.setPaused(readNamespace(request), readParam(request, 'name'), paused);
        return reply.code(202).send();
      },
    });
  }
}
