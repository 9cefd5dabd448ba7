import type { RequestHead } from '../../frame/head-text.ts';

/** Letters, digits and hyphens: an underscore could make a header pass for another one. */
const plainName = /^[A-Za-z0-9-]+$/;

/**
 * The request as environment variables, as OpenFaaS's classic watchdog names them: `Http_Method`, `Http_Path`,
 * `Http_Query`, `Http_Host`, `Http_ContentLength`, `Http_Content_Length`, `Http_Transfer_Encoding`, and `Http_<Header>`
 * for each header, its first value only. No header can set another variable: all names begin with `Http_`, and the
 * request's own facts win over headers of the same name.
 */
export function cgiEnvironment(head: RequestHead): Record<string, string> {
  const env: Record<string, string> = {};
  for (let at = 0; at < head.fields.length; at += 2) {
    const name = head.fields[at] ?? '';
    if (plainName.test(name)) env[variableName(name)] ??= withoutNul(head.fields[at + 1] ?? '');
  }
  return { ...env, ...requestFacts(head) };
}

function requestFacts({ method, target, contentLength }: RequestHead): Record<string, string> {
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const query = question < 0 ? '' : target.slice(question + 1);
  return {
    Http_Method: method,
    Http_Path: withoutNul(path),
    ...(query === '' ? {} : { Http_Query: withoutNul(query) }),
    ...(contentLength === undefined
      ? { Http_Transfer_Encoding: 'chunked' }
      : { Http_ContentLength: String(contentLength), Http_Content_Length: String(contentLength) }),
  };
}

/** `content-type` → `Http_Content_Type`: the spelling that programs written for OpenFaaS look for. */
function variableName(header: string): string {
  const words = header.split('-').map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase());
  return `Http_${words.join('_')}`;
}

/** The kernel would end the value there. */
function withoutNul(value: string): string {
  return value.replaceAll('\0', '');
}
