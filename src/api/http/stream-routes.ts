import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { TinderboxError } from '../../model/errors.ts';
import { notice } from '../../observe/channels.ts';
import type { ApiParts } from '../api-parts.ts';
import { buildSource } from '../build.ts';
import { openLogs, parseLogQuery } from '../logs.ts';
import { addRoutes } from './create-server.ts';
import { readQuery, resolveFunctionName } from './read-query.ts';

/** Last lines of a build's log in an answer that is not streamed. */
const keptLogLines = 10_000;
const maxUnreadBytes = 4 * 1024 * 1024;
const ndjson = 'application/x-ndjson';

/** `GET /system/logs`: one JSON object per line, until the log ends or the client leaves. */
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
      const lines = openLogs(parts, query, left);
      beginNdjson(reply);
      try {
        for await (const line of lines) await writeLine(reply.raw, line, left);
      } catch (reason) {
        if (!left.aborted) notice.publish({ level: 'warn', part: 'api', message: TinderboxError.from(reason).message });
      } finally {
        reply.raw.end();
      }
      return reply;
    },
  });
}

/** `POST /build`: a tar in, log and result out; as lines while it runs when the client accepts them. */
export function addBuildRoutes(app: FastifyInstance, parts: ApiParts): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => {
      done(null, payload);
    });
    addRoutes(scope, '/build', {
      POST: async (request, reply) => {
        const tar = request.body as Readable | undefined;
        if (tar === undefined || tar === null)
          throw new TinderboxError('invalid', 'the request has no body; a tar is expected');
        const streams = request.headers.accept?.includes(ndjson) === true;
        return streams ? streamBuild(tar, reply, parts) : runBuild(tar, reply, parts);
      },
    });
  });
}

async function runBuild(tar: Readable, reply: FastifyReply, parts: ApiParts): Promise<unknown> {
  const log: string[] = [];
  const onLog = (line: string): void => {
    log.push(line);
    if (log.length > 2 * keptLogLines) log.splice(0, log.length - keptLogLines);
  };
  const result = await buildSource(parts, tar, onLog, abortWhenLeft(reply.raw));
  return { ...result, log: log.slice(-keptLogLines) };
}

async function streamBuild(tar: Readable, reply: FastifyReply, parts: ApiParts): Promise<FastifyReply> {
  const left = abortWhenLeft(reply.raw);
  // The head waits for the first line: until then a build can still be refused with a status of its own.
  const onLog = (line: string): void => {
    if (!reply.sent) beginNdjson(reply);
    // A build does not wait for its spectator: what a slow one has not read by then is left out.
    if (reply.raw.writableLength < maxUnreadBytes)
      void writeLine(reply.raw, { log: [line], status: 'in_progress' }, left);
  };
  try {
    const result = await buildSource(parts, tar, onLog, left);
    if (!reply.sent) beginNdjson(reply);
    await writeLine(reply.raw, result, left);
  } catch (reason) {
    if (!reply.sent) throw reason;
    const error = TinderboxError.from(reason).message;
    await writeLine(reply.raw, { log: [], status: 'failed', error }, left);
  }
  reply.raw.end();
  return reply;
}

function resolveLogName(name: string | undefined, namespace: string | undefined): { namespace: string; name: string } {
  try {
    return resolveFunctionName(name ?? '', namespace);
  } catch (reason) {
    const message = name === undefined ? 'name: is required' : TinderboxError.from(reason).message;
    throw new TinderboxError('unprocessable', message, { cause: reason });
  }
}

/** Takes the answer over from Fastify and sends its head at once: a client that follows waits for it. */
function beginNdjson(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': ndjson });
  reply.raw.flushHeaders();
}

/** Resolves when the line is on its way, or nobody reads any more; a slow reader holds back the writer. */
async function writeLine(response: ServerResponse, value: unknown, left: AbortSignal): Promise<void> {
  if (left.aborted || response.write(`${JSON.stringify(value)}\n`)) return;
  await once(response, 'drain', { signal: left }).catch(() => undefined);
}

/** Aborts when the client leaves before the answer is complete. */
function abortWhenLeft(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}
