import type { RequestHead } from '../../frame/head-text.ts';

/** What a shell takes as a name; a field with another one is left out. */
const plainName = /^[A-Za-z0-9_-]+$/;
/** Set from the request itself or not at all: no field may tell a path that was not asked for. */
const factNames = new Set([
  'Http_Method',
  'Http_Path',
  'Http_Query',
  'Http_ContentLength',
  'Http_Content_Length',
  'Http_Transfer_Encoding',
]);
const foreign = /[^\x20-\x7e\x80-\u{10ffff}]/u;
const beyondAscii = /[\x80-\xff]/;

/** Bytes of names and values together that one process is told of its request; the kernel takes not many times that. */
export const longestEnvironment = 256 * 1024;

/**
 * The request as environment variables, as OpenFaaS's classic watchdog names them: `Http_Method`, `Http_Path` (decoded),
 * `Http_Query`, `Http_Host`, `Http_ContentLength`, `Http_Content_Length`, `Http_Transfer_Encoding`, and `Http_<Header>`
 * for each header, its first value only. No header can set another variable: all names begin with `Http_`, and what the
 * request is wins over headers of the same name.
 */
export function cgiEnvironment(head: RequestHead): Record<string, string> {
  const env: Record<string, string> = {};
  for (let at = 0; at < head.fields.length; at += 2) {
    const name = head.fields[at] ?? '';
    if (!plainName.test(name)) continue;
    const variable = variableName(name);
    if (!factNames.has(variable)) env[variable] ??= variableValue(head.fields[at + 1] ?? '');
  }
  return Object.assign(env, requestFacts(head));
}

/** Bytes a request would take in the environment, to be judged before a process is started. */
export function environmentBytes(head: RequestHead): number {
  return head.fields.reduce((sum, part) => sum + part.length, 2 * head.target.length);
}

function requestFacts({ method, target, contentLength }: RequestHead): Record<string, string> {
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const query = question < 0 ? '' : target.slice(question + 1);
  return {
    Http_Method: method,
    Http_Path: decodePath(path),
    ...(query === '' ? {} : { Http_Query: variableValue(query) }),
    ...(contentLength === undefined
      ? { Http_Transfer_Encoding: 'chunked' }
      : { Http_ContentLength: String(contentLength), Http_Content_Length: String(contentLength) }),
  };
}

/** As it stands when it cannot be decoded, or would hold what no variable should. */
function decodePath(path: string): string {
  if (!path.includes('%')) return variableValue(path);
  try {
    const decoded = decodeURIComponent(path);
    return foreign.test(decoded) ? path : decoded;
  } catch {
    return path;
  }
}

/** `content-type` → `Http_Content_Type`: the spelling that programs written for OpenFaaS look for. */
function variableName(header: string): string {
  const words = header.split('-').map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase());
  return `Http_${words.join('_')}`;
}

/** Without NUL, where the kernel would end it; and with the bytes that came, which most programs take for UTF-8. */
function variableValue(text: string): string {
  const value = text.replaceAll('\0', '');
  return beyondAscii.test(value) ? Buffer.from(value, 'latin1').toString() : value;
}
