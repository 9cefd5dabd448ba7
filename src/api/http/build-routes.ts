import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { signatureHeader } from '../../auth/build-signature.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { ApiParts } from '../api-parts.ts';
import { type BuildResult, buildSource } from '../build.ts';
import { createSignedUploads } from '../signed-upload.ts';
import { addRoutes } from './create-server.ts';
import { abortWhenLeft, beginNdjson, ndjson, writeLine } from './ndjson-reply.ts';

/** Last lines of a build's log in an answer that is not streamed. */
const keptLogLines = 10_000;
const maxUnreadBytes = 4 * 1024 * 1024;
/** Go's line scanner, which OpenFaaS's clients read the log with, gives up at 64 KiB. */
const maxLineChars = 8 * 1024;

type Build = (onLog: (line: string) => void, signal: AbortSignal) => Promise<BuildResult>;

/**
 * OpenFaaS's Function Builder API: `POST /build` takes a tar and answers with log and result, as lines while it runs when
 * the client accepts them; `GET /publickey` tells what to seal build secrets with. A request with a signature is judged by
 * it alone; one without came past the password.
 */
export function addBuildRoutes(app: FastifyInstance, parts: ApiParts): void {
  const uploads = createSignedUploads(parts);
  addRoutes(app, '/publickey', { GET: () => parts.sealed.publicKey });
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
        const signature = readSignature(request);
        const build: Build = (onLog, signal) =>
          signature === undefined
            ? buildSource(parts, tar, onLog, signal)
            : uploads.receive(tar, signature, (whole) => buildSource(parts, whole, onLog, signal), signal);
        const streams = request.headers.accept?.includes(ndjson) === true;
        return streams ? streamBuild(build, reply) : runBuild(build, reply);
      },
    });
  });
}

function readSignature(request: FastifyRequest): string | undefined {
  const header = request.headers[signatureHeader];
  return Array.isArray(header) ? header.join(',') : header;
}

/** 422 with the log when the build failed: faas-cli looks at the status alone. */
async function runBuild(build: Build, reply: FastifyReply): Promise<unknown> {
  const log: string[] = [];
  const onLog = (line: string): void => {
    log.push(line);
    if (log.length > 2 * keptLogLines) log.splice(0, log.length - keptLogLines);
  };
  const result = await build(onLog, abortWhenLeft(reply.raw));
  return reply.code(result.status === 'success' ? 200 : 422).send({ ...result, log: log.slice(-keptLogLines) });
}

async function streamBuild(build: Build, reply: FastifyReply): Promise<FastifyReply> {
  const left = abortWhenLeft(reply.raw);
  // The head waits for the first line: until then a build can still be refused with a status of its own.
  const onLog = (line: string): void => {
    if (!reply.sent) beginNdjson(reply);
    // A build does not wait for its spectator: what a slow one has not read by then is left out.
    if (reply.raw.writableLength >= maxUnreadBytes) return;
    void writeLine(reply.raw, { log: [line.slice(0, maxLineChars)], image: '', status: 'in_progress' }, left);
  };
  try {
    const result = await build(onLog, left);
    if (!reply.sent) beginNdjson(reply);
    await writeLine(reply.raw, result, left);
  } catch (reason) {
    if (!reply.sent) throw reason;
    const error = TinderboxError.from(reason).message;
    await writeLine(reply.raw, { log: [], image: '', status: 'failed', error }, left);
  }
  reply.raw.end();
  return reply;
}
