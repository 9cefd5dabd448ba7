import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

export const ndjson = 'application/x-ndjson';
/** How long a stop waits for a follower to read the end of what it follows. */
const unreadMs = 500;

/** Takes the answer over from Fastify and sends its head at once: a client that follows waits for it. */
export function beginNdjson(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': ndjson });
  reply.raw.flushHeaders();
}

/** Resolves when the line is on its way, or nobody reads any more; a slow reader holds back the writer. */
export async function writeLine(response: ServerResponse, value: unknown, left: AbortSignal): Promise<void> {
  if (left.aborted || response.write(`${JSON.stringify(value)}\n`)) return;
  await once(response, 'drain', { signal: left }).catch(() => undefined);
}

/** Aborts when the client leaves before the answer is complete. */
export function abortWhenLeft(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}

/** Nobody waits for a follower that does not read what it was sent. */
export function cutUnread(response: ServerResponse): void {
  const cut = setTimeout(() => response.destroy(), unreadMs).unref();
  response.once('close', () => clearTimeout(cut));
}
