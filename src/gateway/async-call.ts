/**
 * One request for a call nobody waits for, from its head to the 202 that says it is on disk.
 *
 * 1. There is one answer, and 202 means stored.
 * 2. The body is read whole before anything is stored; one that is too large, stalls or breaks off costs nothing else.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TinderboxError } from '../model/errors.ts';
import { requestEnd } from '../observe/channels.ts';
import type { AsyncCalls } from '../queue/async-calls.ts';
import { type AsyncRequest, jobFromRequest } from './async-request.ts';
import { collectedBytes, type DataCallContext } from './data-call.ts';
import { asyncSegment, type DataPath } from './data-path.ts';
import { edgeErrorFrom, writeEdgeError } from './edge-error.ts';
import { dropLeftover } from './leftover.ts';
import { bodyTooLarge, collectBody, StreamedBody } from './request-body.ts';
import { type RequestHead, readRequestHead } from './request-head.ts';

/** What the gateway does with calls nobody waits for. */
export interface AsyncDoor {
  readonly accept: AsyncCalls['accept'];
  readonly cancel: AsyncCalls['cancel'];
  /** Largest body that is stored. */
  readonly bodyBytes: number;
}

export interface AsyncCallContext extends DataCallContext {
  readonly door: AsyncDoor;
  readonly routeExists: (path: DataPath) => boolean;
  readonly isAuthorized: (authorization: string | undefined) => boolean;
}

/** `expected`: the client waits for `100 Continue`. Never rejects. */
export async function answerAsync(
  context: AsyncCallContext,
  request: IncomingMessage,
  response: ServerResponse,
  path: DataPath,
  expected: boolean,
): Promise<void> {
  const head = readRequestHead(request, context);
  const arrivedMs = performance.now();
  response.once('close', () => {
    dropLeftover(request, context);
    const durationMs = performance.now() - arrivedMs;
    const { statusCode: status } = response;
    requestEnd.publish({ method: request.method ?? '', path: '/async-function/:name', status, durationMs });
  });
  const own = ['X-Call-Id', head.callId, 'X-Start-Time', head.startTime, 'X-Served-By', context.servedBy];
  if (context.closing()) own.push('Connection', 'close');
  try {
    const id = await perform(context, request, response, { path, head, expected });
    if (response.destroyed) return;
    own[1] = id;
    response.writeHead(202, [...own, 'Content-Length', '0']);
    response.end();
  } catch (error) {
    if (!response.destroyed) writeEdgeError(response, edgeErrorFrom(error, head.callId), 'gateway', own);
  }
}

interface Asked {
  readonly path: DataPath;
  readonly head: RequestHead;
  readonly expected: boolean;
}

/** Returns the id the call is known by. */
async function perform(
  context: AsyncCallContext,
  request: IncomingMessage,
  response: ServerResponse,
  { path, head, expected }: Asked,
): Promise<string> {
  if (request.method === 'DELETE') return await cancel(context, request);
  if (request.method !== 'POST') {
    throw new TinderboxError(
      'method-not-allowed',
      `${request.method ?? ''} is not allowed: calls are POST, DELETE cancels`,
    );
  }
  if (!context.routeExists(path)) {
    throw new TinderboxError('not-found', `error finding function ${path.key}: there is no such function`);
  }
  const { bodyBytes } = context.door;
  if ((head.contentLength ?? 0) > bodyBytes) throw bodyTooLarge(bodyBytes);
  if (expected) response.writeContinue();
  const body = await readBody(context, request, head.contentLength);
  return await store(context, { path, callId: head.callId, headers: head.headers, body, nowMs: Date.now() });
}

/**
 * Only an idempotency key makes two calls one. Without it, an id that is taken is one a client chose, for several calls
 * of its own or by hitting upon another's: this call gets an id nobody can know before.
 */
async function store({ door }: AsyncCallContext, asked: Omit<AsyncRequest, 'ownId'>): Promise<string> {
  const ownId = randomUUID();
  const job = jobFromRequest({ ...asked, ownId });
  if ((await door.accept(job)) || job.rememberMs > 0) return job.id;
  await door.accept(jobFromRequest({ ...asked, ownId, callId: ownId }));
  return ownId;
}

/** `DELETE /async-function/CALL-ID`, as OpenFaaS Pro has it. */
async function cancel(context: AsyncCallContext, request: IncomingMessage): Promise<string> {
  if (!context.isAuthorized(request.headers.authorization)) {
    throw new TinderboxError('unauthenticated', 'invalid credentials');
  }
  const id = asyncSegment(request.url ?? '');
  if (!(await context.door.cancel(id))) throw new TinderboxError('not-found', `there is no call ${id} to cancel`);
  return id;
}

async function readBody(
  context: AsyncCallContext,
  request: IncomingMessage,
  contentLength: number | undefined,
): Promise<Buffer> {
  if (contentLength === 0) return Buffer.alloc(0);
  const isSmall = contentLength !== undefined && contentLength <= collectedBytes;
  return isSmall ? await readKnown(context, request) : await readWhole(context, request);
}

/** A body whose length is known need not be counted while it comes. */
function readKnown({ watch }: AsyncCallContext, request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    collectBody(request, watch, (error, body) =>
      body === undefined ? reject(TinderboxError.from(error)) : resolve(body),
    );
    request.once('close', () => {
      if (!request.complete) reject(new TinderboxError('canceled', 'the client left in the middle of its request'));
    });
  });
}

async function readWhole(context: AsyncCallContext, request: IncomingMessage): Promise<Buffer> {
  const limits = { bodyBytes: context.door.bodyBytes, watch: context.watch };
  const stream = new StreamedBody(request, limits, () => undefined);
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
