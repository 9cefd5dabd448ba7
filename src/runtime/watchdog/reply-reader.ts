/**
 * Reads the replies of an HTTP/1.1 server off one connection, one after the other (RFC 9112). Strict where leniency
 * would let two readers see different messages: both framings at once, a bare CR or LF, a folded line, a length that is
 * not one, throw `ReplyError`.
 */
import { isHopByHop, nominatedHeaders } from '../../model/hop-by-hop.ts';

/** What is read. */
export interface ReplyListener {
  /** `length` undefined: the body ends where it ends. Hop-by-hop fields and the framing are not among the fields. */
  replyHead(status: number, length: number | undefined, fields: readonly string[]): void;
  /** `last`: certainly nothing more comes. */
  replyData(bytes: Buffer, last: boolean): void;
  /** The reply is whole; `reusable`: another request may follow on the connection. */
  replyEnd(reusable: boolean): void;
}

/** The server sent what is no HTTP reply. */
export class ReplyError extends Error {}

type State = 'idle' | 'head' | 'length' | 'close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers';

const longestHead = 256 * 1024;
const longestLine = 8 * 1024;
const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const foreign = /[^\t\x20-\x7e\x80-\xff]/;
const noBytes = Buffer.alloc(0);

interface Framing {
  readonly fields: string[];
  readonly length: number | undefined;
  readonly chunked: boolean;
  readonly keepsOpen: boolean;
}

export class ReplyReader {
  #state: State = 'idle';
  #listener: ReplyListener | undefined;
  #bodyless = false;
  #keepsOpen = false;
  #left = 0;
  /** Bytes of a head or line that is not whole yet. */
  #rest: Buffer = noBytes;

  /** The reply to a request with this method comes next. */
  expect(method: string, listener: ReplyListener): void {
    this.#listener = listener;
    this.#bodyless = method === 'HEAD';
    this.#state = 'head';
  }

  /** Whether a reply is being waited for or read. */
  get isBusy(): boolean {
    return this.#state !== 'idle';
  }

  push(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = noBytes;
    while (bytes.length > 0) {
      const used = this.#step(bytes);
      if (used === 0) {
        this.#rest = bytes;
        return;
      }
      bytes = bytes.subarray(used);
    }
  }

  /** The server closed the connection. Throws when a reply is cut off by that. */
  closed(): void {
    if (this.#state === 'close') this.#finish(false);
    else if (this.#state !== 'idle') throw new ReplyError('the connection was closed before the reply was whole');
  }

  /** Bytes used up; 0: more are needed. */
  #step(bytes: Buffer): number {
    switch (this.#state) {
      case 'idle':
        throw new ReplyError('bytes that no request asked for');
      case 'head':
        return this.#head(bytes);
      case 'chunk-size':
      case 'chunk-end':
      case 'trailers':
        return this.#line(bytes);
      case 'close':
        this.#listener?.replyData(bytes, false);
        return bytes.length;
      default:
        return this.#body(bytes);
    }
  }

  #head(bytes: Buffer): number {
    const end = bytes.indexOf(headEnd);
    if (end < 0) {
      if (bytes.length > longestHead) throw new ReplyError(`a head of more than ${longestHead} bytes`);
      return 0;
    }
    const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
    const match = statusLine.exec(first);
    if (match === null) throw new ReplyError('a first line that is no status line');
    const status = Number(match[2]);
    const { fields, length, chunked, keepsOpen } = parseFields(lines, match[1] === '1');
    if (status === 101) throw new ReplyError('a change of protocol that nobody asked for');
    if (status >= 200) this.#begin(status, { fields, length, chunked, keepsOpen });
    return end + headEnd.length;
  }

  #begin(status: number, { fields, length, chunked, keepsOpen }: Framing): void {
    this.#keepsOpen = keepsOpen;
    const isEmpty = this.#bodyless || status === 204 || status === 304;
    this.#listener?.replyHead(status, chunked || (isEmpty && length === undefined) ? undefined : length, fields);
    this.#left = length ?? 0;
    if (isEmpty || (!chunked && length === 0)) this.#finish(keepsOpen);
    else this.#state = chunked ? 'chunk-size' : length === undefined ? 'close' : 'length';
  }

  #body(bytes: Buffer): number {
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= part.length;
    this.#listener?.replyData(part, this.#left === 0 && this.#state === 'length');
    if (this.#left === 0) {
      if (this.#state === 'chunk') this.#state = 'chunk-end';
      else this.#finish(this.#keepsOpen);
    }
    return part.length;
  }

  #line(bytes: Buffer): number {
    const end = bytes.indexOf(lineEnd);
    if (end > longestLine || (end < 0 && bytes.length > longestLine)) throw new ReplyError('a line too long');
    if (end < 0) return 0;
    const line = bytes.toString('latin1', 0, end);
    if (this.#state === 'chunk-size') this.#chunkSize(line);
    else if (this.#state === 'chunk-end') {
      if (line !== '') throw new ReplyError('a chunk longer than told');
      this.#state = 'chunk-size';
    } else if (line === '') this.#finish(this.#keepsOpen);
    return end + lineEnd.length;
  }

  #chunkSize(line: string): void {
    const size = /^([0-9a-f]{1,12})[\t ]*(?:;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw new ReplyError('a chunk without a size');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
  }

  #finish(reusable: boolean): void {
    this.#state = 'idle';
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.replyEnd(reusable);
  }
}

function parseFields(lines: readonly string[], isCurrent: boolean): Framing {
  const fields: string[] = [];
  let named: ReadonlySet<string> | undefined;
  let length: number | undefined;
  let chunked = false;
  let keepsOpen = isCurrent;
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    if (colon < 1 || !token.test(name) || foreign.test(value)) throw new ReplyError('a field that is none');
    if (isNamed(name, 'content-length')) length = parseLength(value, length);
    else if (isNamed(name, 'transfer-encoding')) chunked = assertChunked(value, chunked);
    else if (isNamed(name, 'connection')) {
      keepsOpen = decideOpen(value, keepsOpen);
      named = nominatedHeaders([name, value]) ?? named;
    } else if (!isHopByHop(name)) fields.push(name, value);
  }
  if (chunked && length !== undefined) throw new ReplyError('a length and chunks at once');
  return { fields: named === undefined ? fields : without(fields, named), length, chunked, keepsOpen };
}

function isNamed(name: string, lower: string): boolean {
  return name.length === lower.length && name.toLowerCase() === lower;
}

function without(fields: readonly string[], named: ReadonlySet<string>): string[] {
  return fields.flatMap((name, at) =>
    at % 2 === 1 || named.has(name.toLowerCase()) ? [] : [name, fields[at + 1] ?? ''],
  );
}

function parseLength(value: string, before: number | undefined): number {
  if (!/^\d{1,15}$/.test(value)) throw new ReplyError('a content length that is none');
  const length = Number(value);
  if (before !== undefined && before !== length) throw new ReplyError('two content lengths');
  return length;
}

function assertChunked(value: string, before: boolean): boolean {
  if (before || value.toLowerCase() !== 'chunked') throw new ReplyError(`transfer encoding "${value.slice(0, 40)}"`);
  return true;
}

function decideOpen(value: string, before: boolean): boolean {
  const words = value.toLowerCase().split(/[\s,]+/);
  return words.includes('close') ? false : before || words.includes('keep-alive');
}
