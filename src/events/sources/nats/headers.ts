import type { MsgHdrs } from '@nats-io/transport-node';
import type { RawHeaders } from '../../../model/invocation.ts';

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const value = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Passed on under their own names: the rest could mean something to HTTP. */
const plain = /^(content-type|traceparent|tracestate|ce-.+)$/i;

/** A message's headers as they came; names and values that are not of HTTP are left out. */
export function rawHeadersFrom(headers: MsgHdrs | undefined): RawHeaders {
  const raw: string[] = [];
  for (const [name, values] of headers ?? []) {
    if (!token.test(name)) continue;
    for (const text of values) if (value.test(text)) raw.push(name, text);
  }
  return raw;
}

/**
 * What a function is told: the content type (default `text/plain`), trace and CloudEvents headers as they are, all others as
 * `X-Nats-NAME`, and `own` in place of those of the same name.
 */
export function callHeadersFrom(raw: RawHeaders, own: RawHeaders): RawHeaders {
  const headers = [...own];
  const taken = new Set(own.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()));
  let typed = false;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const shown = plain.test(name) ? name : `X-Nats-${name}`;
    if (taken.has(shown.toLowerCase())) continue;
    typed ||= name.toLowerCase() === 'content-type';
    headers.push(shown, raw[at + 1] ?? '');
  }
  if (!typed) headers.push('Content-Type', 'text/plain');
  return headers;
}
