import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Shell } from './shell.ts';

const largestBuffered = 256 * 1024;
const quietMs = 200;

/**
 * What comes in on stdin. Small input is collected, so that it goes with a Content-Length, which programs behind plain
 * HTTP servers need; what grows large or pauses is passed on as a stream. From a terminal it is asked for on stderr.
 */
export async function readBody(shell: Pick<Shell, 'stdin' | 'stderr'>): Promise<Buffer | Readable> {
  if (shell.stdin.isTTY === true) shell.stderr.write('Reading from stdin - end with Ctrl-D.\n');
  const chunks: Buffer[] = [];
  const source = shell.stdin[Symbol.asyncIterator]();
  let bytes = 0;
  for (;;) {
    const next = source.next();
    const pauses = chunks.length > 0 && (await isSlow(next));
    if (pauses || bytes > largestBuffered) return Readable.from(concat(chunks, next, source), { objectMode: false });
    const { done, value } = await next;
    if (done === true) return Buffer.concat(chunks);
    chunks.push(Buffer.from(value));
    bytes += chunks.at(-1)?.length ?? 0;
  }
}

async function isSlow(next: Promise<unknown>): Promise<boolean> {
  const waited = new AbortController();
  const slow = delay(quietMs, true, { signal: waited.signal }).catch(() => false);
  const result = await Promise.race([next.then(() => false), slow]);
  waited.abort();
  return result;
}

async function* concat(
  chunks: readonly Buffer[],
  next: Promise<IteratorResult<Buffer>>,
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer> {
  yield* chunks;
  for (let item = await next; item.done !== true; item = await rest.next()) yield Buffer.from(item.value);
}
