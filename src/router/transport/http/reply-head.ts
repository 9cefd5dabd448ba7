import { isHopByHop, nominatedHeaders, same } from '../../../model/hop-by-hop.ts';
import type { RawHeaders } from '../../../model/invocation.ts';

/** A reply's headers as they may be passed on. */
export interface ReplyHeaders {
  /** End-to-end headers; `Content-Length` only where it describes a body that is not there (HEAD, 304). */
  readonly headers: RawHeaders;
  /** Announced length of the body that follows. */
  readonly contentLength: number | undefined;
}

/**
 * Removes what ends at this hop: hop-by-hop headers, those nominated by Connection, and the platform's own mark, which
 * a function must not set. `Trailer` stays: it announces fields that are passed on. `hasBody`: whether a body follows.
 */
export function replyHeaders(raw: RawHeaders, hasBody: boolean): ReplyHeaders {
  const nominated = nominatedHeaders(raw);
  const headers: string[] = [];
  let contentLength: number | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const value = raw[index + 1] as string;
    if (name.length === 14 && same(name, 'content-length')) {
      contentLength = Number(value);
      if (hasBody) continue;
    } else if (isHopByHop(name) && !same(name, 'trailer')) continue;
    else if (name.length === 19 && same(name, 'x-openfaas-internal')) continue;
    else if (nominated?.has(name.toLowerCase()) === true) continue;
    headers.push(name, value);
  }
  return { headers, contentLength: hasBody ? contentLength : 0 };
}

/** Whether an answer to this method with this status carries a body at all (RFC 9110, section 6.4.1). */
export function replyHasBody(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304 && status >= 200;
}
