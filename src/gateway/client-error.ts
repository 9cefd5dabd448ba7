import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { TinderboxError } from '../model/errors.ts';

const statusOf: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const textOf: Readonly<Record<number, string>> = {
  400: 'the request is not valid HTTP',
  408: 'the request head did not arrive within the time limit',
  413: 'the chunk extensions of the request are too large',
  431: 'the request head is larger than the limit',
};

/** Answers what node:http could not parse, or an error of ours about the request, and closes. `answering`: an answer has begun, so nothing may be added. */
export function answerClientError(error: Error, socket: Duplex, answering: boolean): void {
  const code = 'code' in error ? String(error.code) : '';
  if (answering || !socket.writable || code === 'ECONNRESET' || code === 'EPIPE') {
    socket.destroy();
    return;
  }
  const ours = error instanceof TinderboxError ? error : undefined;
  const status = ours?.status ?? statusOf[code] ?? 400;
  const body = `${ours?.message ?? textOf[status] ?? STATUS_CODES[status]}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-OpenFaaS-Internal: gateway',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
