import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogLine, LogQuery } from '../../model/log-line.ts';
import { instanceOfLine, parseLogLine } from './keeper/log-format.ts';

const chunkBytes = 64 * 1024;
/** How often a follower looks for more. Looking is two stats; the writer never knows. */
const pollMs = 100;
const streamNames = { o: 'stdout', e: 'stderr', s: 'system' } as const;

/**
 * Lines of one function, oldest first. With `tail` only the last ones of what is there, with `follow` then whatever
 * comes, across rotation, until the signal aborts, which ends the iteration quietly. A function without logs has no
 * lines. A reader that stops pulling holds nobody up: it merely falls behind, and lines turned over twice are gone.
 */
export function readLogs(directory: string, query: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
  return readFrom(directory, query, Date.now(), signal);
}

/** `askedMs`: what was written since belongs to what comes, although it may be stored before the reading begins. */
async function* readFrom(
  directory: string,
  query: LogQuery,
  askedMs: number,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const files = new LogReader(directory);
  try {
    const wanted = (line: Buffer): LogLine | undefined => matchLine(line, query);
    const stored = files.stored();
    if (query.tail === undefined) yield* matching(stored, wanted, signal);
    else yield* lastLines(matching(stored, wanted, signal), query.tail, askedMs);
    while (query.follow && !signal.aborted) {
      yield* matching(files.more(), wanted, signal);
      await delay(pollMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await files.close();
  }
}

function matchLine(line: Buffer, query: LogQuery): LogLine | undefined {
  if (query.instance !== undefined && instanceOfLine(line) !== query.instance) return undefined;
  const parsed = parseLogLine(line);
  if (parsed === undefined) return undefined;
  const { timestamp, instance, text, stream, callId } = parsed;
  if (query.sinceMs !== undefined && Date.parse(timestamp) < query.sinceMs) return undefined;
  const { name, namespace } = query;
  const origin = { name, namespace, instance, timestamp, text, stream: streamNames[stream] };
  return callId === undefined ? origin : { ...origin, callId };
}

type Match = (line: Buffer) => LogLine | undefined;

async function* matching(lines: AsyncIterable<Buffer>, match: Match, signal: AbortSignal): AsyncGenerator<LogLine> {
  for await (const line of lines) {
    if (signal.aborted) return;
    const found = match(line);
    if (found !== undefined) yield found;
  }
}

/** The last `count` lines of before `sinceMs`, and all after. */
async function* lastLines(lines: AsyncIterable<LogLine>, count: number, sinceMs: number): AsyncGenerator<LogLine> {
  const kept: LogLine[] = [];
  const later: LogLine[] = [];
  for await (const line of lines) {
    if (Date.parse(line.timestamp) >= sinceMs) later.push(line);
    else kept.push(line);
    if (kept.length > count * 2 + 100) kept.splice(0, kept.length - count);
  }
  if (count > 0) yield* kept.slice(-count);
  yield* later;
}

/** Reads the two files as one, and goes on where it was. */
class LogReader {
  readonly #directory: string;
  #current: FileHandle | undefined;
  #inode = 0;
  #position = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What is there now: the previous file, then the current one. */
  async *stored(): AsyncGenerator<Buffer> {
    // Current first: if it is turned over in between, it is found again as the previous one and not read twice.
    await this.#openCurrent();
    const previous = await openLog(this.#directory, 'previous.log');
    if (previous !== undefined && (await previous.stat()).ino !== this.#inode) yield* linesOf(previous);
    await previous?.close();
    yield* this.#restOfCurrent();
  }

  /** What was added since. */
  async *more(): AsyncGenerator<Buffer> {
    if (this.#current === undefined) await this.#openCurrent();
    yield* this.#restOfCurrent();
    const now = await openLog(this.#directory, 'current.log');
    const turned = now !== undefined && this.#inode !== 0 && (await now.stat()).ino !== this.#inode;
    await now?.close();
    if (!turned) return;
    // The last lines may have come between the reading and the turning over.
    yield* this.#restOfCurrent();
    const own = this.#inode;
    await this.close();
    const previous = await openLog(this.#directory, 'previous.log');
    if (previous !== undefined && (await previous.stat()).ino !== own) yield* linesOf(previous);
    await previous?.close();
    await this.#openCurrent();
    yield* this.#restOfCurrent();
  }

  async close(): Promise<void> {
    await this.#current?.close();
    this.#current = undefined;
    this.#inode = 0;
  }

  async #openCurrent(): Promise<void> {
    this.#current = await openLog(this.#directory, 'current.log');
    this.#inode = this.#current === undefined ? 0 : (await this.#current.stat()).ino;
    this.#position = 0;
    this.#rest = Buffer.alloc(0);
  }

  async *#restOfCurrent(): AsyncGenerator<Buffer> {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    while (this.#current !== undefined) {
      const { bytesRead } = await this.#current.read(buffer, 0, chunkBytes, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const { lines, rest } = splitLines(Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)]));
      this.#rest = rest;
      yield* lines;
    }
  }
}

async function* linesOf(file: FileHandle): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    const split = splitLines(Buffer.concat([rest, buffer.subarray(0, bytesRead)]));
    rest = split.rest;
    yield* split.lines;
  }
}

function splitLines(bytes: Buffer): { readonly lines: readonly Buffer[]; readonly rest: Buffer } {
  const lines: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
    lines.push(bytes.subarray(from, at));
    from = at + 1;
  }
  return { lines, rest: bytes.subarray(from) };
}

async function openLog(directory: string, name: string): Promise<FileHandle | undefined> {
  try {
    return await open(join(directory, name), 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
