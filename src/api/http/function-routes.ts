import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { TinderboxError } from '../../model/errors.ts';
import type { ApiParts } from '../api-parts.ts';
import { createFunctions } from '../functions.ts';
import { parseDeployment } from '../parse-deployment.ts';
import { parseFields, parseJson, parseOptionalJson } from '../parse-json.ts';
import { listRevisionStatus } from '../revisions.ts';
import { scaleFunction, scaleRequest } from '../scale.ts';
import { addRoutes } from './create-server.ts';
import { readFunctionName, readNamespace, readQuery, resolveFunctionName } from './read-query.ts';

const deleteRequest = z.strictObject(
  { functionName: z.string('is not a string').nullish(), namespace: z.string('is not a string').nullish() },
  'is not a JSON object',
);

/** `/system/functions`, `/system/function/NAME` and what hangs below it, `/system/scale-function/NAME`. */
export function addFunctionRoutes(app: FastifyInstance, parts: ApiParts): void {
  const functions = createFunctions(parts);

  addRoutes(app, '/system/functions', {
    GET: (request) => functions.list(readNamespace(request)),
    POST: async (request, reply) => {
      await functions.create(parseDeployment(parseJson(request.body), readQuery(request, 'namespace')));
      return reply.code(202).send();
    },
    PUT: async (request, reply) => {
      await functions.update(parseDeployment(parseJson(request.body), readQuery(request, 'namespace')));
      return reply.code(202).send();
    },
    DELETE: async (request, reply) => {
      const given = parseFields(deleteRequest, parseOptionalJson(request.body));
      const functionName = given.functionName || readQuery(request, 'functionName');
      if (functionName === undefined) throw new TinderboxError('invalid', 'functionName: is required');
      const { namespace, name } = resolveFunctionName(functionName, given.namespace || readQuery(request, 'namespace'));
      await functions.remove(namespace, name);
      return reply.code(202).send();
    },
  });

  addRoutes(app, '/system/function/:name', {
    GET: (request) => {
      const { namespace, name } = readFunctionName(request);
      const usage = readQuery(request, 'usage');
      return functions.get(namespace, name, usage === '1' || usage === 'true');
    },
  });

  addRoutes(app, '/system/function/:name/revisions', {
    GET: (request) => {
      const { namespace, name } = readFunctionName(request);
      return listRevisionStatus(parts, namespace, name);
    },
  });

  addRoutes(app, '/system/scale-function/:name', {
    POST: async (request, reply) => {
      const given = parseFields(scaleRequest, parseJson(request.body));
      const { namespace, name } = readFunctionName(request, given.namespace);
      if (given.serviceName && given.serviceName !== name) {
        throw new TinderboxError('invalid', `serviceName: "${given.serviceName}" is not the path's "${name}"`);
      }
      await scaleFunction(parts, namespace, name, given.replicas ?? 0);
      return reply.code(202).send();
    },
  });
}
