import { TinderboxError } from '../../model/errors.ts';

/** Headers as written on a command line, `Name: value` or `Name=value`. Throws `invalid` for what HTTP cannot carry. */
export function parseHeaders(texts: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const text of texts) {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*[:=]\s*([^\r\n\0]*)$/.exec(text);
    if (match === null) throw new TinderboxError('invalid', `header "${text}" is not of the form "Name: value"`);
    const name = (match[1] ?? '').toLowerCase();
    const earlier = headers[name];
    headers[name] = earlier === undefined ? (match[2] ?? '') : `${earlier}, ${match[2] ?? ''}`;
  }
  return headers;
}
