import type { Call, ReplyFields } from './call.ts';
import { logError, replyCrash, textOf } from './reply-error.ts';

/**
 * Answers with what a stream or async iterable yields, as fast as it is taken. When the call is stopped the source is
 * told to end, and the call is over only when it did.
 */
export async function replyStream(
  call: Call,
  status: number,
  fields: ReplyFields,
  length: number | undefined,
  body: AsyncIterable<unknown>,
): Promise<void> {
  let source: Source;
  try {
    source = sourceFrom(body);
  } catch (error) {
    // A body somebody else reads already, for example.
    return replyCrash(call, error);
  }
  const bare = call.isBodyless(status);
  const began = call.sendHead(status, fields, length, bare);
  if (!began || bare) {
    await endSource(source);
    if (began) call.finish();
    return;
  }
  call.onStopped = () => void endSource(source);
  try {
    for (;;) {
      const { done, value } = await source.next();
      if (done === true || call.isStopped) break;
      await call.send(bytesFrom(value));
    }
    if (call.isStopped) await endSource(source);
    call.end();
  } catch (error) {
    if (!call.isStopped) {
      logError(error);
      await endSource(source);
    }
    call.fail(call.isStopped ? 'canceled' : 'failed', textOf(error));
  }
}

/** Something that yields pieces and can be told to end while one is waited for. */
interface Source {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>;
  end(): unknown;
}

function sourceFrom(body: AsyncIterable<unknown>): Source {
  // The iterator of a web stream would wait for the piece it was asked for; its reader ends at once.
  if (body instanceof ReadableStream) {
    const reader = (body as ReadableStream<unknown>).getReader();
    return { next: () => reader.read(), end: () => reader.cancel() };
  }
  const iterator = body[Symbol.asyncIterator]();
  // The same holds for a Node stream, which is destroyed instead.
  if (isDestroyable(body)) return { next: () => iterator.next(), end: () => body.destroy() };
  return { next: () => iterator.next(), end: () => iterator.return?.() };
}

function isDestroyable(body: unknown): body is { destroy(): void } {
  return typeof (body as { destroy?: unknown }).destroy === 'function';
}

async function endSource(source: Source): Promise<void> {
  try {
    await source.end();
  } catch {
    // It is over in either way.
  }
}

function bytesFrom(value: unknown): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : bytesOf(value);
  if (bytes === undefined) throw new TypeError(`a streamed answer yields strings and bytes, not ${typeof value}`);
  return bytes;
}

/** What a handler gave as bytes, over the same memory; undefined: it is something else. */
export function bytesOf(value: unknown): Buffer | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return value instanceof ArrayBuffer ? Buffer.from(value) : undefined;
}
