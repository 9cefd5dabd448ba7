/**
 * One request of the data plane, from its head to the last byte of its answer.
 *
 * Owns: the invocation it makes of the request, the signal that tells the router the client left, the one answer. Does
 * not own the socket (node:http) nor anything behind `invoke`.
 * 1. There is one answer: the function's reply, or the first failure.
 * 2. A client that left before its answer was complete aborts the call.
 * 3. Nothing is read from the client before it is known that the function exists and the body may be taken.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Cancel } from '../model/cancel.ts';
import type { Body, Invocation, Invoke, RawHeaders, Reply, ReplyOrigin, UpgradedReply } from '../model/invocation.ts';
import { TinderboxError } from '../model/errors.ts';
import type { DataPath } from './data-path.ts';
import { edgeErrorFrom, writeEdgeError } from './edge-error.ts';
import { dropLeftover } from './leftover.ts';
import { bodyTooLarge, collectBody, StreamedBody } from './request-body.ts';
import { type RequestHead, type RequestHeadContext, readRequestHead } from './request-head.ts';
import { requestTrailers } from './request-trailers.ts';
import type { StallWatch } from './stall-watch.ts';
import { writeBuffered, writeStreaming } from './write-reply.ts';

/** What all calls of a gateway share. */
export interface DataCallContext extends RequestHeadContext {
  readonly invoke: Invoke;
  readonly bodyBytes: number;
  readonly watch: StallWatch;
  /** `X-Served-By`. */
  readonly servedBy: string;
  /** Whether the gateway is closing: answers then end their connection. */
  readonly closing: () => boolean;
}

/** Bodies of known length up to this become one Buffer before the call starts. */
export const collectedBytes = 64 * 1024;

export class DataCall {
  readonly #context: DataCallContext;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #path: DataPath;
  readonly #head: RequestHead;
  readonly #arrivedAtMs = performance.now();
  readonly #abort = new Cancel();
  readonly #upgrade: ((reply: UpgradedReply, own: RawHeaders) => void) | undefined;
  #answered = false;
  #body: StreamedBody | undefined;

  /** `upgrade` joins the client's socket with the function's; given when the client asks for a protocol switch. */
  constructor(
    context: DataCallContext,
    request: IncomingMessage,
    response: ServerResponse,
    path: DataPath,
    upgrade?: (reply: UpgradedReply, own: RawHeaders) => void,
  ) {
    this.#context = context;
    this.#request = request;
    this.#response = response;
    this.#path = path;
    this.#upgrade = upgrade;
    this.#head = readRequestHead(request, context);
  }

  /** `expected`: the client waits for `100 Continue` before it sends the body. */
  start(exists: boolean, expected: boolean): void {
    this.#response.on('close', () => this.#closed());
    if (!exists) {
      const message = `error finding function ${this.#path.key}: there is no such function`;
      this.#fail(new TinderboxError('not-found', message), 'gateway');
      return;
    }
    const { contentLength } = this.#head;
    if (contentLength !== undefined && contentLength > this.#context.bodyBytes) {
      this.#fail(bodyTooLarge(this.#context.bodyBytes), 'gateway');
      return;
    }
    if (contentLength === 0 || this.#upgrade !== undefined) {
      this.#invoke(undefined);
      return;
    }
    if (expected) this.#response.writeContinue();
    if (contentLength !== undefined && contentLength <= collectedBytes) this.#collect();
    else this.#invoke(this.#stream());
  }

  #collect(): void {
    collectBody(this.#request, this.#context.watch, (error, body) => {
      if (error === undefined) this.#invoke(body);
      else this.#fail(error, 'gateway');
    });
  }

  #stream(): StreamedBody {
    this.#body = new StreamedBody(this.#request, this.#context, (error) => {
      this.#fail(error, 'gateway');
      this.#abort.abort(error);
    });
    return this.#body;
  }

  #invoke(body: Body): void {
    if (this.#answered) return;
    this.#context.invoke(this.#invocation(body), this.#abort).then(
      (reply) => this.#reply(reply),
      (error: unknown) => this.#fail(error, 'router'),
    );
  }

  #invocation(body: Body): Invocation {
    const request = this.#request;
    const { callId, headers, contentLength, trailers } = this.#head;
    const call: Invocation = {
      id: callId,
      function: this.#path.key,
      method: request.method ?? 'GET',
      target: this.#path.target,
      headers,
      body,
      contentLength: body === undefined || Buffer.isBuffer(body) ? undefined : contentLength,
      source: 'http',
      arrivedAtMs: this.#arrivedAtMs,
      upgrade: this.#upgrade !== undefined,
    };
    return trailers && body !== undefined ? { ...call, trailers: () => requestTrailers(request) } : call;
  }

  #reply(reply: Reply): void {
    if (this.#answered || this.#response.destroyed) {
      discard(reply);
      return;
    }
    try {
      this.#write(reply);
      this.#answered = true;
    } catch (error) {
      discard(reply);
      this.#fail(error, 'router');
    }
  }

  #write(reply: Reply): void {
    const { watch } = this.#context;
    if (reply.kind === 'buffered') writeBuffered(this.#response, reply, this.#ownHeaders(), watch);
    else if (reply.kind === 'streaming') writeStreaming(this.#response, reply, this.#ownHeaders(), watch);
    else if (this.#upgrade !== undefined) this.#upgrade(reply, this.#ownHeaders());
    else throw new TinderboxError('bad-reply', 'the function switched protocols without being asked');
  }

  #fail(reason: unknown, origin: ReplyOrigin): void {
    if (this.#answered) return;
    this.#answered = true;
    if (this.#response.destroyed) return;
    writeEdgeError(this.#response, edgeErrorFrom(reason, this.#head.callId), origin, this.#ownHeaders());
  }

  #ownHeaders(): string[] {
    const { callId, startTime } = this.#head;
    const own = ['X-Call-Id', callId, 'X-Start-Time', startTime, 'X-Served-By', this.#context.servedBy];
    if (this.#context.closing()) own.push('Connection', 'close');
    return own;
  }

  #closed(): void {
    if (this.#response.writableFinished) {
      // Nobody reads it any more, and what it holds back would hold up the client's next request.
      this.#body?.destroy();
      dropLeftover(this.#request, this.#context);
      return;
    }
    this.#answered = true;
    this.#abort.abort(new TinderboxError('canceled', 'the client left'));
  }
}

function discard(reply: Reply): void {
  if (reply.kind === 'streaming') reply.body.destroy();
  else if (reply.kind === 'upgraded') reply.socket.destroy();
}
