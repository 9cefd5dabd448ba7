import type { FastifyInstance } from 'fastify';
import type { ApiParts } from '../api-parts.ts';
import { addBuildRoutes } from './build-routes.ts';
import { addExecRoutes } from './exec-routes.ts';
import { addFunctionRoutes, addScalingRoutes } from './function-routes.ts';
import { addInvocationRoutes } from './invocation-routes.ts';
import { addLogRoutes } from './log-routes.ts';
import { addTriggerRoutes } from './trigger-routes.ts';
import { addInfoRoutes, addNamespaceRoutes, addSecretRoutes } from './resource-routes.ts';

/** Every route of the control plane; `openapi/operations.ts` tells the same ones to the world. */
export function addAllRoutes(app: FastifyInstance, parts: ApiParts): void {
  addFunctionRoutes(app, parts);
  addScalingRoutes(app, parts);
  addSecretRoutes(app, parts);
  addNamespaceRoutes(app, parts);
  addLogRoutes(app, parts);
  addBuildRoutes(app, parts);
  addInfoRoutes(app, parts);
  addInvocationRoutes(app, parts);
  addTriggerRoutes(app, parts);
  addExecRoutes(app, parts);
}
