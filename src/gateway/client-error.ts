import type { Duplex } from 'node:stream';
import { TinderboxError } from '../model/errors.ts';
import { STATUS_CODES } from '../model/node-http.ts';
import type { GatewayLimits } from './gateway.ts';

const statusOf: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers what node:http could not parse, or an error of ours about the request, and closes. `answering`: an answer has begun, so nothing may be added. */
export function answerClientError(error: Error, socket: Duplex, answering: boolean, limits: GatewayLimits): void {
  const code = 'code' in error ? String(error.code) : '';
  if (answering || !socket.writable || code === 'ECONNRESET' || code === 'EPIPE') {
    socket.destroy();
    return;
  }
  const ours = error instanceof TinderboxError ? error : undefined;
  const status = ours?.status ?? statusOf[code] ?? 400;
  const body = `${ours?.message ?? textOf(status, error, limits)}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-OpenFaaS-Internal: gateway',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

function textOf(status: number, error: Error, limits: GatewayLimits): string {
  if (status === 408) return `the request head did not arrive within ${limits.headersTimeoutMs} ms`;
  if (status === 413) return 'the chunk extensions of the request are too large';
  if (status === 431) return `the request head is larger than the limit of ${limits.headerBytes} bytes`;
  // The parser's own words, which have nothing of the request in them.
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : '';
  return `the request is not valid HTTP${reason === '' ? '' : `: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`}`;
}
