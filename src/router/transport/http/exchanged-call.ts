import { once } from 'node:events';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { type Socket, connect } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import type { CancelSignal } from '../../../model/cancel.ts';
import type { Invocation, Reply } from '../../../model/invocation.ts';
import { TinderboxError } from '../../../model/errors.ts';
import { request } from '../../../model/node-http.ts';
import type { Sent } from '../transport.ts';
import type { HttpAddress } from '../http.ts';
import { assertInstance } from './assert-instance.ts';
import { transportError } from './errors.ts';
import { replyHasBody, replyHeaders } from './reply-head.ts';
import { requestHeaders } from './request-headers.ts';

/** Requests and tunnels under way, so that closing the transport can end them. */
export type OpenConnections = Set<{ destroy(error?: Error): unknown }>;

/**
 * A call that undici cannot carry, by node:http on a connection of its own: a protocol switch, or request trailers.
 * Rejects like the pooled way.
 */
export function sendExchanged(
  call: Invocation,
  signal: CancelSignal | undefined,
  address: HttpAddress,
  open: OpenConnections,
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const client = openRequest(call, address);
    open.add(client);
    let began = false;
    const cancel = (): void => {
      client.destroy(signal?.reason as Error);
    };
    signal?.addEventListener('abort', cancel);
    const closed = new Promise<void>((done) => {
      client.once('close', () => {
        open.delete(client);
        signal?.removeEventListener('abort', cancel);
        done();
      });
    });
    client.once('socket', () => {
      began = true;
    });
    client.once('upgrade', (answer, socket, head) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      resolve(upgradedFrom(answer, socket, head, signal));
    });
    client.once('response', (answer) => resolve({ reply: streamingFrom(call, answer), done: closed }));
    client.on('error', (error) => {
      reject(transportError(error, began));
    });
    sendBody(call, client);
  });
}

function openRequest(call: Invocation, address: HttpAddress): ClientRequest {
  const headers = requestHeaders(call);
  if (call.upgrade) headers.push('Connection', 'Upgrade', 'Upgrade', 'websocket');
  else {
    headers.push('Connection', 'close');
    if (call.trailers !== undefined && call.contentLength === undefined) headers.push('Transfer-Encoding', 'chunked');
  }
  if (Buffer.isBuffer(call.body)) headers.push('Content-Length', String(call.body.length));
  const createConnection: RequestOptions['createConnection'] = (_options, done) => {
    openConnection(address).then(
      (socket) => done(null, socket),
      // Its type knows only calls with both.
      done as (error: Error) => void,
    );
    return undefined;
  };
  return request({ method: call.method, path: call.target, headers, createConnection, setHost: false });
}

/** A connection on which the instance answers. */
async function openConnection(address: HttpAddress): Promise<Socket> {
  const { host, port } = address;
  const socket = connect({ host, port, noDelay: true });
  await once(socket, 'connect');
  // Until the request has it, nobody else listens; what went wrong is seen by its being destroyed.
  socket.on('error', () => {});
  await assertInstance(socket, address);
  return socket;
}

function sendBody(call: Invocation, client: ClientRequest): void {
  const { body, trailers } = call;
  if (body === undefined || Buffer.isBuffer(body)) {
    client.end(body);
    return;
  }
  if (trailers !== undefined) body.once('end', () => client.addTrailers(pairs(trailers())));
  pipeline(body, client, () => {});
}

function pairs(raw: readonly string[]): [string, string][] {
  const fields: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) fields.push([raw[index] ?? '', raw[index + 1] ?? '']);
  return fields;
}

function streamingFrom(call: Invocation, answer: IncomingMessage): Reply {
  const status = answer.statusCode ?? 502;
  const { headers, contentLength } = replyHeaders(answer.rawHeaders, replyHasBody(call.method, status));
  // node:http reports a cut answer as ECONNRESET; the reader should see why in our words.
  const body = answer.once('aborted', () => {
    answer.destroy(new TinderboxError('lost', 'the instance ended the connection in the middle of its answer'));
  });
  body.on('error', () => {});
  return {
    kind: 'streaming',
    status,
    headers,
    origin: 'function',
    body,
    contentLength,
    trailers: () => answer.rawTrailers,
  };
}

function upgradedFrom(answer: IncomingMessage, socket: Duplex, head: Buffer, signal: CancelSignal | undefined): Sent {
  if (head.length > 0) socket.unshift(head);
  const { headers } = replyHeaders(answer.rawHeaders, false);
  const cancel = (): void => {
    socket.destroy();
  };
  signal?.addEventListener('abort', cancel);
  const done = new Promise<void>((resolve) => {
    socket.once('close', () => {
      signal?.removeEventListener('abort', cancel);
      resolve();
    });
  });
  socket.on('error', () => {});
  return { reply: { kind: 'upgraded', status: 101, headers, origin: 'function', socket }, done };
}
