import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Call } from './call.ts';

type Write = (chunk: string | Uint8Array, encoding?: unknown, callback?: unknown) => boolean;

/**
 * From now on each line written to stdout or stderr during a call begins with `\x1e<call id>\x1f`; the keeper takes the
 * mark away and records the id. The streams themselves are still made at their first use.
 */
export function markLogLines(calls: AsyncLocalStorage<Call>): void {
  markStream('stdout', calls);
  markStream('stderr', calls);
}

function markStream(name: 'stdout' | 'stderr', calls: AsyncLocalStorage<Call>): void {
  const original = Object.getOwnPropertyDescriptor(process, name);
  let stream: NodeJS.WriteStream | undefined;
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get() {
      if (stream === undefined) {
        stream = original?.get?.call(process) as NodeJS.WriteStream;
        stream.write = markedWrite(stream.write.bind(stream) as Write, calls) as typeof stream.write;
      }
      return stream;
    },
  });
}

function markedWrite(write: Write, calls: AsyncLocalStorage<Call>): Write {
  /** Whose line is not ended yet; `undefined`: the next write begins a line. */
  let unfinished: string | undefined;
  return (chunk, encoding, callback) => {
    const id = calls.getStore()?.request.callId ?? '';
    if (id === '' && unfinished === undefined && endsLine(chunk)) return write(chunk, encoding, callback);
    const done = typeof encoding === 'function' ? encoding : callback;
    const text = typeof chunk === 'string' && isUtf8(encoding) ? chunk : bytesText(chunk, encoding);
    if (text === '') return write(chunk, encoding, callback);
    const marked = markLines(text, id, unfinished);
    unfinished = text.endsWith('\n') ? undefined : id;
    return write(marked, typeof chunk === 'string' && isUtf8(encoding) ? 'utf8' : 'latin1', done);
  };
}

/** A line belongs to one call: where another call wrote half of one, it is ended first. */
function markLines(text: string, id: string, unfinished: string | undefined): string {
  const mark = id === '' ? '' : `\x1e${id}\x1f`;
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  const end = text.endsWith('\n') ? '\n' : '';
  const lines = body.includes('\n') && mark !== '' ? body.replaceAll('\n', `\n${mark}`) : body;
  if (unfinished === id) return lines + end;
  return (unfinished === undefined ? '' : '\n') + mark + lines + end;
}

function endsLine(chunk: string | Uint8Array): boolean {
  return typeof chunk === 'string' ? chunk.endsWith('\n') : chunk.at(-1) === 10;
}

function isUtf8(encoding: unknown): boolean {
  return typeof encoding !== 'string' || encoding === 'utf8' || encoding === 'utf-8';
}

/** Bytes as latin-1 text, one character each. */
function bytesText(chunk: string | Uint8Array, encoding: unknown): string {
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding as BufferEncoding) : Buffer.from(chunk);
  return bytes.toString('latin1');
}
