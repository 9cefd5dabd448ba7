import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { request as httpRequest } from '../model/node-http.ts';
import { errorFromNetwork, errorFromReply } from './failures.ts';
import type { HttpReply } from './fetch.ts';
import { failure, type Result, success } from './result.ts';

interface SwitchRequest {
  readonly url: string;
  readonly gateway: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: string;
  readonly anyCertificate: boolean;
  readonly signal: AbortSignal | undefined;
}

/** A request by node:http, since fetch knows no switch of protocols. */
export function switchProtocols(wanted: SwitchRequest): Promise<Result<Duplex>> {
  const { url, gateway, method, protocol, anyCertificate, signal } = wanted;
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const request = send(url, {
      method,
      headers: { ...wanted.headers, connection: 'Upgrade', upgrade: protocol },
      rejectUnauthorized: !anyCertificate,
      agent: false,
    });
    // Only until the switch: what then ends the connection is its owner's business.
    const cancel = (): void => void request.destroy(signal?.reason as Error | undefined);
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted === true) cancel();
    request.once('close', () => signal?.removeEventListener('abort', cancel));
    request.once('upgrade', (_response, socket: Duplex, head: Buffer) => {
      signal?.removeEventListener('abort', cancel);
      if (head.length > 0) socket.unshift(head);
      resolve(success(socket));
    });
    request.once('response', (response) => {
      void errorFromReply(replyFrom(response), gateway).then((error) => resolve(failure(error)));
    });
    request.once('error', (reason) => resolve(failure(errorFromNetwork(reason, gateway))));
    request.end();
  });
}

function replyFrom(response: IncomingMessage): HttpReply {
  const entries = Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]);
  return {
    status: response.statusCode ?? 0,
    headers: Object.assign(entries, { get: (name: string) => new Map(entries).get(name.toLowerCase()) ?? null }),
    body: response,
    text: () => text(response),
  };
}
