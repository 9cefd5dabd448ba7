import type { IncomingMessage } from 'node:http';
import { isHopByHop, same } from '../model/hop-by-hop.ts';
import type { RawHeaders } from '../model/invocation.ts';

/** Fields a trailer must not bring, since they were judged when the head was read (RFC 9110, section 6.5.1). */
const forbidden = ['content-length', 'host', 'authorization', 'expect', 'x-call-id', 'x-start-time'];

/** Trailer fields of a request that was read to its end, as they may be passed on. */
export function requestTrailers(request: IncomingMessage): RawHeaders {
  const raw = request.rawTrailers;
  const fields: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    if (!isHopByHop(name) && !forbidden.some((one) => same(name, one))) fields.push(name, raw[index + 1] as string);
  }
  return fields;
}
