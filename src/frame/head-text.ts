import { FrameViolation } from './violation.ts';

/** A request as its head frame tells it. */
export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly callId: string;
  /** Milliseconds left when it was sent; 0 = no deadline. */
  readonly remainingMs: number;
  /** undefined: not known before the body ends. */
  readonly contentLength: number | undefined;
  /** Name, value, name, value, … */
  readonly fields: readonly string[];
}

/** A reply as its head frame tells it; status and names are the router's to judge. */
export interface ReplyHead {
  readonly status: number;
  readonly contentLength: number | undefined;
  readonly fields: readonly string[];
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
/** All a line may hold; also keeps out what latin-1 would turn into a line break. */
const foreign = /[^\t\n\x20-\x7e\x80-\xff]/;
const visible = /^[\x21-\x7e\x80-\xff]+$/;
const callIdText = /^[\x21-\x7e]{1,128}$/;
const digits = /^\d{1,15}$/;

/** Throws FrameViolation when a part has characters the wire does not carry. */
export function formatRequestHead(head: RequestHead): string {
  const { method, target, callId, remainingMs, contentLength } = head;
  assertRequestLine(method, target, callId);
  return formatLines([method, target, callId, String(remainingMs), String(contentLength ?? '-')], head.fields);
}

/** Throws FrameViolation when the text is not a request head. */
export function parseRequestHead(text: string): RequestHead {
  const lines = splitLines(text, 5);
  const [method = '', target = '', callId = '', remaining = '', length = ''] = lines;
  assertRequestLine(method, target, callId);
  if (!digits.test(remaining)) throw textViolation(`"${excerpt(remaining)}" is not a number of milliseconds`);
  const fields = lines.slice(5);
  assertNames(fields);
  return { method, target, callId, remainingMs: Number(remaining), contentLength: parseLength(length), fields };
}

/** Throws FrameViolation when a name is not a token or a value has a line break or another control character. */
export function formatReplyHead(status: number, contentLength: number | undefined, fields: readonly string[]): string {
  return formatLines([String(status), String(contentLength ?? '-')], fields);
}

/** Throws FrameViolation when the text is not a reply head. */
export function parseReplyHead(text: string): ReplyHead {
  const lines = splitLines(text, 2);
  const [status = '', length = ''] = lines;
  if (!/^\d{3}$/.test(status)) throw textViolation(`status "${excerpt(status)}" is not three digits`);
  const fields = lines.slice(2);
  assertNames(fields);
  return { status: Number(status), contentLength: parseLength(length), fields };
}

/** Trailer fields as the payload of a trailers frame. */
export function formatTrailers(fields: readonly string[]): string {
  return formatLines([], fields);
}

/** Throws FrameViolation when the text is not alternating names and values. */
export function parseTrailers(text: string): readonly string[] {
  if (text === '') return [];
  const lines = splitLines(text, 0);
  assertNames(lines);
  return lines;
}

function assertRequestLine(method: string, target: string, callId: string): void {
  if (!token.test(method)) throw textViolation(`"${excerpt(method)}" is not a method`);
  if (!visible.test(target)) throw textViolation(`"${excerpt(target)}" is not a request target`);
  if (!callIdText.test(callId)) throw textViolation(`"${excerpt(callId)}" is not a call id`);
}

/** Joined at once: text that grows piece by piece is copied once more when it is written. */
function formatLines(lines: string[], fields: readonly string[]): string {
  assertNames(fields);
  for (const part of fields) lines.push(part);
  const text = lines.join('\n');
  if (foreign.test(text)) throw textViolation('a field has a control character or one beyond latin-1');
  let breaks = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) breaks += 1;
  if (breaks !== Math.max(0, lines.length - 1)) throw textViolation('a field has a line break');
  return text;
}

function assertNames(fields: readonly string[]): void {
  if (fields.length % 2 !== 0) throw textViolation('a field name without a value');
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string;
    if (!token.test(name)) throw textViolation(`"${excerpt(name)}" is not a field name`);
  }
}

function splitLines(text: string, least: number): string[] {
  if (foreign.test(text)) throw textViolation('a line has a control character');
  const lines = text.split('\n');
  if (lines.length < least) throw textViolation(`${lines.length} lines, at least ${least} are needed`);
  return lines;
}

function parseLength(text: string): number | undefined {
  if (text === '-') return undefined;
  if (!digits.test(text)) throw textViolation(`"${excerpt(text)}" is not a content length`);
  return Number(text);
}

function excerpt(text: string): string {
  return JSON.stringify(text.slice(0, 60)).slice(1, -1);
}

function textViolation(message: string): FrameViolation {
  return new FrameViolation('text', message);
}
