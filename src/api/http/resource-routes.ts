import type { FastifyInstance } from 'fastify';
import { TinderboxError } from '../../model/errors.ts';
import { assertName, parseFunctionKey } from '../../model/names.ts';
import type { ApiParts } from '../api-parts.ts';
import { formatInfo } from '../info.ts';
import { listInstances } from '../instances.ts';
import { createNamespaces } from '../namespaces.ts';
import { parseJson, parseOptionalJson } from '../parse-json.ts';
import { createSecretCases } from '../secrets.ts';
import { addRoutes, sendText } from './create-server.ts';
import { readNamespace, readParam, readQuery } from './read-query.ts';

/** Secrets; deleting answers 202 because OpenFaaS's CLI takes 204 for an error. Our own: a new key for all of them. */
export function addSecretRoutes(app: FastifyInstance, parts: ApiParts): void {
  const secrets = createSecretCases(parts);
  addRoutes(app, '/system/secrets', {
    GET: (request) => secrets.list(readNamespace(request)),
    POST: async (request, reply) => {
      await secrets.put(parseJson(request.body), readQuery(request, 'namespace'), 'create');
      return reply.code(202).send();
    },
    PUT: async (request, reply) => {
      await secrets.put(parseJson(request.body), readQuery(request, 'namespace'), 'update');
      return reply.code(202).send();
    },
    DELETE: async (request, reply) => {
      const name = readQuery(request, 'name');
      const json = parseOptionalJson(request.body) as object;
      await secrets.remove(name === undefined ? json : { name, ...json }, readQuery(request, 'namespace'));
      return reply.code(202).send();
    },
  });
  addRoutes(app, '/system/secrets-key', { POST: async () => ({ key: await parts.secrets.rotate() }) });
}

/** Namespaces, under both spellings OpenFaaS's documents use. */
export function addNamespaceRoutes(app: FastifyInstance, parts: ApiParts): void {
  const namespaces = createNamespaces(parts);
  const create = async (body: unknown, pathName?: string): Promise<void> =>
    namespaces.create(parseJson(body), pathName);
  for (const base of ['/system/namespace', '/system/namespaces']) {
    addRoutes(app, base, {
      GET: () => namespaces.list(),
      POST: async (request, reply) => {
        await create(request.body);
        return reply.code(201).send();
      },
    });
    addRoutes(app, `${base}/:name`, {
      GET: (request) => namespaces.get(readParam(request, 'name')),
      POST: async (request, reply) => {
        await create(request.body, readParam(request, 'name'));
        return reply.code(201).send();
      },
      PUT: async (request, reply) => {
        await namespaces.update(parseJson(request.body), readParam(request, 'name'));
        return reply.code(202).send();
      },
      DELETE: async (request, reply) => {
        await namespaces.remove(parseOptionalJson(request.body), readParam(request, 'name'));
        return reply.code(202).send();
      },
    });
  }
}

/** What the platform says of itself and of what runs on it. */
export function addInfoRoutes(app: FastifyInstance, parts: ApiParts): void {
  addRoutes(app, '/healthz', { GET: (_request, reply) => sendText(reply, 200, 'OK') });
  const { functionStore = '{"version":"0.2.1","functions":[]}' } = parts;
  addRoutes(app, '/store.json', { GET: (_request, reply) => reply.type('application/json').send(functionStore) });
  let document: Promise<object> | undefined;
  addRoutes(app, '/openapi.json', { GET: () => (document ??= loadDocument(parts.version.release)) });
  addRoutes(app, '/system/info', { GET: async () => formatInfo(parts.version, await parts.calls.backbone()) });
  addRoutes(app, '/system/images', { GET: () => parts.builder.images() });
  addRoutes(app, '/system/instances', {
    GET: (request) => {
      const text = readQuery(request, 'function');
      const namespace = readQuery(request, 'namespace');
      const dotted = text?.includes('.') === true ? parseFunctionKey(text) : undefined;
      const name = dotted?.name ?? text;
      if (name !== undefined) assertName('function', name);
      if (namespace !== undefined && dotted !== undefined && dotted.namespace !== namespace) {
        throw new TinderboxError('invalid', `function: "${text}" is not in namespace "${namespace}"`);
      }
      return listInstances(parts.engine, { name, namespace: dotted?.namespace ?? namespace });
    },
  });
}

/** Its schemas of every answer cost several megabytes, and few platforms are ever asked for it. */
async function loadDocument(release: string): Promise<object> {
  const { createDocument } = await import('../openapi/document.ts');
  return createDocument(release);
}
