import type { Stats } from 'node:fs';
import { type RequestHead } from '../../frame/head-text.ts';
import { fieldOf } from './call.ts';
import { contentTypeOfFile } from './content-types.ts';

/** What is answered for a file: bytes `start` up to but without `end` of it, or no body. */
export interface StaticReply {
  readonly status: number;
  readonly fields: readonly string[];
  readonly start: number;
  readonly end: number;
  /** Whether its bytes are left out: not changed, or asked for its head alone. */
  readonly bare: boolean;
}

/** A name with a hash of its content in it, as bundlers write them: it never means anything else. */
const hashedName = /[.-](?:(?=\w*\d)[0-9a-f]{8,}|(?=\w*\d)(?=\w*[A-Z])(?=\w*[a-z])\w{8,10})\.[a-z0-9]+$/;
const pages = /\.html?$/i;

/** How long a file may be kept: pages are asked for again each time, hashed names never, the rest after five minutes. */
export function cacheControlOf(path: string): string {
  if (pages.test(path)) return 'no-cache';
  return hashedName.test(path) ? 'public, max-age=31536000, immutable' : 'public, max-age=300';
}

/** Pure. `status` other than 200 is that of an error page: it is never cached, nor sent in part. */
export function decideStaticReply(head: RequestHead, path: string, facts: Stats, status: number): StaticReply {
  const { size } = facts;
  const type = contentTypeOfFile(path) ?? 'application/octet-stream';
  const fields = ['Content-Type', type, 'X-Content-Type-Options', 'nosniff'];
  const isHead = head.method === 'HEAD';
  const whole = { status, start: 0, end: size, bare: isHead };
  if (status !== 200) return { ...whole, fields: [...fields, 'Cache-Control', 'no-store'] };
  const tag = `"${Math.round(facts.mtimeMs).toString(16)}-${size.toString(16)}"`;
  const changed = new Date(facts.mtimeMs).toUTCString();
  const cached = ['Cache-Control', cacheControlOf(path), 'ETag', tag, 'Last-Modified', changed];
  if (isUnchanged(head, tag, facts.mtimeMs)) return { ...whole, status: 304, fields: cached, end: 0, bare: true };
  const all = [...fields, ...cached, 'Accept-Ranges', 'bytes'];
  const range = parseRange(head, tag, changed, size);
  if (range === undefined) return { ...whole, fields: all };
  if (range === 'unsatisfiable') {
    return { status: 416, fields: [...fields, 'Content-Range', `bytes */${size}`], start: 0, end: 0, bare: true };
  }
  const { start, end } = range;
  const part = ['Content-Range', `bytes ${start}-${end - 1}/${size}`];
  return { status: 206, fields: [...all, ...part], start, end, bare: isHead };
}

/** RFC 9110, section 13.2.2: the tag decides where there is one, else the time, to the second. */
function isUnchanged(head: RequestHead, tag: string, mtimeMs: number): boolean {
  const tags = fieldOf(head.fields, 'if-none-match');
  if (tags !== undefined) {
    return tags === '*' || tags.split(',').some((one) => one.trim().replace(/^W\//, '') === tag);
  }
  const since = Date.parse(fieldOf(head.fields, 'if-modified-since') ?? '');
  return !Number.isNaN(since) && Math.floor(mtimeMs / 1000) * 1000 <= since;
}

/** One range; of several, or one that cannot be read, the whole file is sent, which is allowed. */
function parseRange(
  head: RequestHead,
  tag: string,
  changed: string,
  size: number,
): { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(fieldOf(head.fields, 'range') ?? '');
  const condition = fieldOf(head.fields, 'if-range');
  if (
    match === null ||
    head.method !== 'GET' ||
    (condition !== undefined && condition !== tag && condition !== changed)
  ) {
    return undefined;
  }
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  return start >= size || start >= end ? 'unsatisfiable' : { start, end };
}
