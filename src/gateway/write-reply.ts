import type { ServerResponse } from 'node:http';
import type { BufferedReply, RawHeaders, StreamingReply } from '../model/invocation.ts';
import { TinderboxError } from '../model/errors.ts';
import { isHopByHop, same } from '../model/hop-by-hop.ts';
import { isGatewayOnly, replyHead } from './reply-head.ts';
import type { StallWatch, Transfer } from './stall-watch.ts';

/** Bodies up to this are written together with the head, as one piece. */
const joinedBytes = 4096;

/** Writes a whole answer. Throws `bad-reply`, before anything is sent, when it cannot be sent as HTTP. */
export function writeBuffered(
  response: ServerResponse,
  reply: BufferedReply,
  own: RawHeaders,
  watch: StallWatch,
): void {
  const { body, status } = reply;
  const bodyless = response.req.method === 'HEAD' || status === 204 || status === 304;
  const headers = replyHead(reply, own, bodyless && status !== 204);
  if (bodyless) {
    if (body.length > 0 && status === 200 && !has(headers, 'content-length')) addLength(headers, body.length);
    writeHead(response, status, headers);
    response.end();
    return;
  }
  if (reply.trailers.length === 0) addLength(headers, body.length);
  writeHead(response, status, headers);
  if (reply.trailers.length > 0) response.addTrailers(trailerFields(reply.trailers));
  // One string is one write; a Buffer beside the head is two.
  if (body.length <= joinedBytes) response.end(body.toString('latin1'), 'latin1');
  else {
    response.end(body);
    if (response.socket !== null && response.socket.writableLength > 0) watchFlush(response, watch);
  }
}

/**
 * Writes an answer as it comes: the head at once, then what the client can take. A body that breaks off, or is longer or
 * shorter than announced, ends the connection, since that is the only way left to tell the client.
 */
export function writeStreaming(
  response: ServerResponse,
  reply: StreamingReply,
  own: RawHeaders,
  watch: StallWatch,
): void {
  const { status, contentLength } = reply;
  const bodyless = response.req.method === 'HEAD' || status === 204 || status === 304;
  const headers = replyHead(reply, own, bodyless && status !== 204);
  if (!bodyless) addFraming(response, reply, headers);
  writeHead(response, status, headers);
  response.flushHeaders();
  if (bodyless) {
    reply.body.destroy();
    response.end();
    return;
  }
  new ReplyStream(response, reply, contentLength, watch).start();
}

class ReplyStream implements Transfer {
  place = -1;
  moved = true;
  idleLooks = 0;
  readonly #response: ServerResponse;
  readonly #reply: StreamingReply;
  readonly #watch: StallWatch;
  #left: number;
  readonly #announced: boolean;

  constructor(response: ServerResponse, reply: StreamingReply, length: number | undefined, watch: StallWatch) {
    this.#response = response;
    this.#reply = reply;
    this.#watch = watch;
    this.#announced = length !== undefined;
    this.#left = length ?? 0;
  }

  start(): void {
    const { body } = this.#reply;
    if (body.destroyed) {
      this.stalled();
      return;
    }
    body.on('error', () => this.stalled());
    body.on('data', (chunk: Buffer) => this.#write(chunk));
    body.on('end', () => this.#end());
    body.on('close', () => {
      if (!body.readableEnded) this.stalled();
    });
    this.#response.on('drain', () => {
      this.#watch.delete(this);
      body.resume();
    });
    this.#response.on('close', () => {
      this.#watch.delete(this);
      body.destroy();
    });
  }

  /** The client takes nothing, or the function broke off. */
  stalled(): void {
    this.#watch.delete(this);
    if (!this.#response.writableEnded) this.#response.destroy();
    else if (!this.#response.writableFinished) this.#response.socket?.destroy();
    this.#reply.body.destroy();
  }

  #write(chunk: Buffer): void {
    if (this.#announced) {
      this.#left -= chunk.length;
      if (this.#left < 0) {
        this.stalled();
        return;
      }
    }
    if (this.#response.write(chunk)) return;
    this.#reply.body.pause();
    this.moved = true;
    this.idleLooks = 0;
    this.#watch.add(this);
  }

  #end(): void {
    if (this.#announced && this.#left !== 0) {
      this.stalled();
      return;
    }
    const trailers = this.#reply.trailers();
    if (trailers.length > 0 && !this.#announced) this.#response.addTrailers(trailerFields(trailers));
    this.#response.end();
    if (this.#response.writableFinished) return;
    this.moved = true;
    this.#watch.add(this);
  }
}

function addFraming(response: ServerResponse, reply: StreamingReply, headers: string[]): void {
  if (reply.contentLength !== undefined) {
    addLength(headers, reply.contentLength);
    return;
  }
  // Announcing trailers is only allowed where they can follow.
  if (response.req.httpVersionMinor === 0) return;
  for (let index = 0; index + 1 < reply.headers.length; index += 2) {
    if (same(reply.headers[index] ?? '', 'trailer')) headers.push('Trailer', reply.headers[index + 1] ?? '');
  }
}

function writeHead(response: ServerResponse, status: number, headers: string[]): void {
  try {
    response.writeHead(status, headers);
  } catch (error) {
    throw new TinderboxError('bad-reply', 'the function answered with headers that are not valid HTTP', {
      cause: error,
    });
  }
}

function addLength(headers: string[], length: number): void {
  headers.push('Content-Length', String(length));
}

function has(headers: readonly string[], lower: string): boolean {
  for (let index = 0; index < headers.length; index += 2) if (same(headers[index] ?? '', lower)) return true;
  return false;
}

/** Trailer fields that may be passed on: no framing, nothing only the gateway says. */
function trailerFields(raw: RawHeaders): [string, string][] {
  const fields: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (!isHopByHop(name) && !isGatewayOnly(name) && !same(name, 'content-length'))
      fields.push([name, raw[index + 1] ?? '']);
  }
  return fields;
}

/** A client that does not take a large answer may keep it waiting in memory only so long. */
function watchFlush(response: ServerResponse, watch: StallWatch): void {
  const transfer: Transfer = {
    place: -1,
    moved: true,
    idleLooks: 0,
    stalled: () => response.socket?.destroy(),
  };
  watch.add(transfer);
  response.once('close', () => watch.delete(transfer));
}
