import type { FastifyInstance } from 'fastify';
import { TinderboxError } from '../../model/errors.ts';
import type { ApiParts } from '../api-parts.ts';
import { followAlerts } from '../alert.ts';
import { createFunctions } from '../functions.ts';
import { deleteRequest, parseDeployment } from '../parse-deployment.ts';
import { parseFields, parseJson, parseOptionalJson } from '../parse-json.ts';
import { listRevisionStatus } from '../revisions.ts';
import { scaleFunction, scaleRequest } from '../scale.ts';
import { reportScaling } from '../scaling.ts';
import { addRoutes } from './create-server.ts';
import { readFunctionName, readNamespace, readQuery, resolveFunctionName } from './read-query.ts';

/** `/system/functions`, `/system/function/NAME` and its revisions. */
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
}

/** How functions are scaled, and what scales them: by hand, and by alerts. */
export function addScalingRoutes(app: FastifyInstance, parts: ApiParts): void {
  addRoutes(app, '/system/function/:name/scaling', {
    GET: (request) => {
      const { namespace, name } = readFunctionName(request);
      return reportScaling(parts, namespace, name);
    },
  });

  addRoutes(app, '/system/alert', {
    POST: async (request, reply) => {
      await followAlerts(parts, parseJson(request.body));
      return reply.code(200).send();
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
