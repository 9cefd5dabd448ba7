import { isHopByHop, same } from '../model/hop-by-hop.ts';
import type { RawHeaders, Reply } from '../model/invocation.ts';
import { TinderboxError } from '../model/errors.ts';

/** Headers the gateway alone sets: a function's own are dropped. */
const gatewayOnly = ['x-call-id', 'x-start-time', 'x-served-by', 'x-openfaas-internal'];

/**
 * The headers a client gets: the function's without framing and without those only the gateway sets, then `own`.
 * `described`: a Content-Length without a body (HEAD, 304) stays. Throws `bad-reply` for a status no answer can have.
 */
export function replyHead(reply: Reply, own: RawHeaders, described: boolean): string[] {
  if (!Number.isInteger(reply.status) || reply.status < 200 || reply.status > 999) {
    throw new TinderboxError('bad-reply', `the function answered with status ${reply.status}, which is not valid`);
  }
  const headers: string[] = [];
  for (let index = 0; index + 1 < reply.headers.length; index += 2) {
    const name = reply.headers[index] as string;
    if (isHopByHop(name) || isGatewayOnly(name)) continue;
    if (!described && name.length === 14 && same(name, 'content-length')) continue;
    headers.push(name, reply.headers[index + 1] as string);
  }
  for (const part of own) headers.push(part);
  if (reply.origin !== 'function') headers.push('X-OpenFaaS-Internal', reply.origin);
  return headers;
}

/** Also of trailers, which some clients take for headers. */
export function isGatewayOnly(name: string): boolean {
  const first = name.charCodeAt(0);
  if (first !== 88 && first !== 120) return false;
  return gatewayOnly.some((own) => same(name, own));
}
