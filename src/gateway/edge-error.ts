import type { ServerResponse } from 'node:http';
import type { ReplyOrigin } from '../model/invocation.ts';
import { TinderboxError } from '../model/errors.ts';
import { summaryLine } from '../model/summary-line.ts';
import { notice } from '../observe/channels.ts';

/** The answer to a request the platform itself refuses or could not serve. */
export interface EdgeError {
  readonly status: number;
  /** One line for the client. */
  readonly text: string;
  readonly retryAfterSeconds: number | undefined;
}

/** Internals stay inside: what was not thrown on purpose becomes one neutral line, and a notice for the operator. */
export function edgeErrorFrom(reason: unknown, callId: string): EdgeError {
  const error = TinderboxError.from(reason);
  const { retryAfterSeconds } = error;
  if (error.code !== 'internal') return { status: error.status, text: summaryLine(error.message), retryAfterSeconds };
  notice.publish({
    level: 'error',
    part: 'gateway',
    message: `call ${callId} failed: ${error.message}`,
    details: { stack: error.cause instanceof Error ? error.cause.stack : error.stack },
  });
  return { status: 500, text: `the platform failed; call ${callId} is in its log`, retryAfterSeconds };
}

/** Writes it as plain text; `headers` alternate. Does nothing but end the connection when a reply has begun. */
export function writeEdgeError(
  response: ServerResponse,
  error: EdgeError,
  origin: ReplyOrigin,
  headers: readonly string[],
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = `${error.text}\n`;
  const all = [...headers, 'Content-Type', 'text/plain; charset=utf-8', 'X-Content-Type-Options', 'nosniff'];
  all.push('X-OpenFaaS-Internal', origin, 'Content-Length', String(Buffer.byteLength(body)));
  if (error.retryAfterSeconds !== undefined) all.push('Retry-After', String(error.retryAfterSeconds));
  response.writeHead(error.status, all);
  response.end(body);
}
