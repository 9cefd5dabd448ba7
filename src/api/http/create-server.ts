import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { TinderboxError } from '../../model/errors.ts';
import { oneLine } from '../../model/one-line.ts';
import { notice, requestEnd } from '../../observe/channels.ts';

export type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * An HTTP application that listens nowhere: bodies arrive as bytes whatever their content type says (OpenFaaS's
 * clients often send none), and errors leave as one text, as those clients expect.
 */
export function createServer(maxBodyBytes: number): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1024 },
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    frameworkErrors: (error, _request, reply) => sendError(reply, translate(error, maxBodyBytes)),
  });
  app.addHook('onResponse', async (request, reply) => {
    const path = request.routeOptions.url ?? 'none';
    requestEnd.publish({ method: request.method, path, status: reply.statusCode, durationMs: reply.elapsedTime });
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  app.setErrorHandler((error, _request, reply) => sendError(reply, translate(error, maxBodyBytes)));
  app.setNotFoundHandler((request, reply) => sendText(reply, 404, `no such route: ${request.method} ${request.url}`));
  return app;
}

/** Bodies are judged by zod: Fastify's own compilers would be a hundred modules loaded for nothing. */
function noSchemas(): never {
  throw new TinderboxError('internal', 'routes of this server have no schemas');
}

/** Puts handlers at a path; every other method there is answered 405 with an empty body. */
export function addRoutes(app: FastifyInstance, url: string, handlers: Partial<Record<Method, Handler>>): void {
  const given = new Set<string>(Object.keys(handlers));
  if (given.has('GET')) given.add('HEAD');
  for (const [method, handler] of Object.entries(handlers)) {
    app.route({ method, url, handler: async (request, reply) => (await handler(request, reply)) ?? reply });
  }
  const others = allMethods.filter((method) => !given.has(method));
  const allow = [...given].join(', ');
  const refuse = async (_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    reply.code(405).header('allow', allow).send();
  app.route({ method: others, url, handler: refuse });
}

export function sendText(reply: FastifyReply, status: number, text: string): void {
  void reply.code(status).type('text/plain; charset=utf-8').send(text);
}

function sendError(reply: FastifyReply, error: TinderboxError): void {
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', String(error.retryAfterSeconds));
  if (error.code === 'internal') {
    notice.publish({ level: 'error', part: 'api', message: error.message, details: { cause: error.cause } });
  }
  // Fastify would cut off a client that still sends, before it reads why; the server in front takes in the rest.
  void reply.removeHeader('connection');
  sendText(reply, error.status, formatError(error));
}

function formatError({ code, message, hint }: TinderboxError): string {
  // Of alerts that could not be followed there is one line each.
  const lines = code === 'alert-failed' ? message : oneLine(message);
  return hint === undefined ? lines : `${lines}; ${oneLine(hint)}`;
}

/** Ours by its code; Fastify's own (a body that is too large, a path that is none) by its status. */
function translate(reason: unknown, maxBodyBytes: number): TinderboxError {
  if (reason instanceof TinderboxError || !(reason instanceof Error)) return TinderboxError.from(reason);
  const status = (reason as { statusCode?: unknown }).statusCode;
  if (status === 413) {
    const message = `the request body is larger than the limit of ${maxBodyBytes} bytes`;
    return new TinderboxError('too-large', message, { cause: reason });
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new TinderboxError('invalid', reason.message, { cause: reason });
  }
  return TinderboxError.from(reason);
}
