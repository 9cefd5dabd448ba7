import { frameLimits } from './messages.ts';
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

/** A head to be written: its first lines, then field names and values in turn. See {@link encodeHead}. */
export interface HeadText {
  readonly first: readonly string[];
  readonly fields: readonly string[];
}

const lineBreak = 10;
const longestName = 256;
/** Above this a line is judged and copied by one native call each, which costs what forty characters cost here. */
const shortChars = 64;

/** Characters a line may hold: what would be another in latin-1, a line break for one, is none of them. */
const lineChars = charTable((code) => code === 9 || (code >= 0x20 && code <= 0x7e) || code >= 0x80);
const foreign = /[^\t\x20-\x7e\x80-\xff]/;
const tokenChars = charTable((code) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(code)));
const targetChars = charTable((code) => (code >= 0x21 && code <= 0x7e) || code >= 0x80);
const callIdChars = charTable((code) => code >= 0x21 && code <= 0x7e);
const longestCallId = 128;
const mostDigits = 15;

/** Throws FrameViolation when method, target or call id have characters the wire does not carry. */
export function formatRequestHead(head: RequestHead): HeadText {
  const { method, target, callId, remainingMs, contentLength, fields } = head;
  assertRequestLine(method, target, callId);
  return { first: [method, target, callId, String(remainingMs), String(contentLength ?? '-')], fields };
}

/** Throws FrameViolation when the text is not a request head. */
export function parseRequestHead(text: string): RequestHead {
  const lines = splitLines(text, 5);
  const method = lines[0] as string;
  const target = lines[1] as string;
  const callId = lines[2] as string;
  assertRequestLine(method, target, callId);
  const remainingMs = parseNumber(lines[3] as string, 'a number of milliseconds');
  const contentLength = parseLength(lines[4] as string);
  return { method, target, callId, remainingMs, contentLength, fields: lines.slice(5) };
}

export function formatReplyHead(
  status: number,
  contentLength: number | undefined,
  fields: readonly string[],
): HeadText {
  return { first: [String(status), String(contentLength ?? '-')], fields };
}

/** Throws FrameViolation when the text is not a reply head. */
export function parseReplyHead(text: string): ReplyHead {
  const lines = splitLines(text, 2);
  const status = lines[0] as string;
  if (status.length !== 3) throw textViolation(`status "${excerpt(status)}" is not three digits`);
  const contentLength = parseLength(lines[1] as string);
  return { status: parseNumber(status, 'a status'), contentLength, fields: lines.slice(2) };
}

/** Trailer fields as the payload of a trailers frame. Throws as {@link encodeHead} does. */
export function formatTrailers(fields: readonly string[]): string {
  const head = { first: [], fields };
  const bytes = Buffer.alloc(headSize(head));
  encodeHead(head, bytes, 0);
  return bytes.toString('latin1');
}

/** Throws FrameViolation when the text is not alternating names and values. */
export function parseTrailers(text: string): readonly string[] {
  return text === '' ? [] : splitLines(text, 0);
}

/** Bytes that {@link encodeHead} writes. */
export function headSize({ first, fields }: HeadText): number {
  let size = Math.max(0, first.length + fields.length - 1);
  for (const line of first) size += line.length;
  for (const line of fields) size += line.length;
  return size;
}

/**
 * Writes a head as latin-1 lines. Throws FrameViolation when a name is not a token, or a line has a line break or another
 * character the wire does not carry; what it wrote by then must not be sent.
 */
export function encodeHead({ first, fields }: HeadText, into: Buffer, start: number): void {
  if (fields.length % 2 !== 0) throw textViolation('a field name without a value');
  let at = start;
  for (let index = 0; index < first.length; index += 1) {
    if (index > 0) into[at++] = lineBreak;
    at = writeLine(first[index] as string, into, at);
  }
  for (let index = 0; index < fields.length; index += 2) {
    if (index > 0 || first.length > 0) into[at++] = lineBreak;
    at = writeName(fields[index] as string, into, at);
    into[at++] = lineBreak;
    at = writeLine(fields[index + 1] as string, into, at, fields[index]);
  }
}

function writeName(name: string, into: Buffer, at: number): number {
  const { length } = name;
  if (length === 0 || length > longestName) throw notAName(name);
  for (let index = 0; index < length; index += 1) {
    const code = name.charCodeAt(index);
    if (tokenChars[code] !== 1) throw notAName(name);
    into[at + index] = code;
  }
  return at + length;
}

function writeLine(line: string, into: Buffer, at: number, name?: string): number {
  const { length } = line;
  if (length > shortChars) {
    if (foreign.test(line)) throw foreignCharacter(name);
    return at + into.write(line, at, 'latin1');
  }
  for (let index = 0; index < length; index += 1) {
    const code = line.charCodeAt(index);
    if (lineChars[code] !== 1) throw foreignCharacter(name);
    into[at + index] = code;
  }
  return at + length;
}

function assertRequestLine(method: string, target: string, callId: string): void {
  if (!consistsOf(method, tokenChars, longestName)) throw textViolation(`"${excerpt(method)}" is not a method`);
  if (!consistsOf(target, targetChars, frameLimits.headBytes)) {
    throw textViolation(`"${excerpt(target)}" is not a request target`);
  }
  if (!consistsOf(callId, callIdChars, longestCallId)) throw textViolation(`"${excerpt(callId)}" is not a call id`);
}

/** The lines of a head, the first `first` of any kind and then names and values in turn, judged in the same pass. */
function splitLines(text: string, first: number): string[] {
  const lines: string[] = [];
  let from = 0;
  let isName = first === 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === lineBreak) {
      if (isName) assertName(text, from, at);
      lines.push(text.slice(from, at));
      from = at + 1;
      isName = lines.length >= first && !isName;
    } else if (lineChars[code] !== 1) throw textViolation('a line has a control character');
    else if (isName && tokenChars[code] !== 1) throw notAName(text.slice(from, endOf(text, from)));
  }
  lines.push(text.slice(from));
  if (lines.length < first) throw textViolation(`${lines.length} lines, at least ${first} are needed`);
  if ((lines.length - first) % 2 !== 0) throw textViolation('a field name without a value');
  return lines;
}

/** Of the line that begins there. */
function endOf(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function assertName(text: string, from: number, to: number): void {
  if (to === from || to - from > longestName) throw notAName(text.slice(from, to));
}

function parseLength(text: string): number | undefined {
  return text === '-' ? undefined : parseNumber(text, 'a content length');
}

function parseNumber(text: string, what: string): number {
  const { length } = text;
  let number = 0;
  for (let at = 0; at < length; at += 1) number = 10 * number + digitAt(text, at);
  if (length === 0 || length > mostDigits || Number.isNaN(number)) {
    throw textViolation(`"${excerpt(text)}" is not ${what}`);
  }
  return number;
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 48;
  return digit >= 0 && digit <= 9 ? digit : Number.NaN;
}

/** Whether a text has at least one and at most `longest` characters, all of this table. */
function consistsOf(text: string, table: Uint8Array, longest: number): boolean {
  const { length } = text;
  if (length === 0 || length > longest) return false;
  for (let at = 0; at < length; at += 1) if (table[text.charCodeAt(at)] !== 1) return false;
  return true;
}

function charTable(holds: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (holds(code) ? 1 : 0));
}

function notAName(name: string): FrameViolation {
  const { length } = name;
  if (length <= longestName) return textViolation(`"${excerpt(name)}" is not a field name`);
  return textViolation(`field name "${excerpt(name)}…" has ${length} characters, at most ${longestName} are allowed`);
}

/** The value is left out: it may be a secret. */
function foreignCharacter(name = ''): FrameViolation {
  const what = name === '' ? 'a line' : `field "${excerpt(name)}"`;
  return textViolation(`${what} has a line break, another control character or one beyond latin-1`);
}

function excerpt(text: string): string {
  return JSON.stringify(text.slice(0, 60)).slice(1, -1);
}

function textViolation(message: string): FrameViolation {
  return new FrameViolation('text', message);
}
