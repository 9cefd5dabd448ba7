import type { Invocation } from '../../../model/invocation.ts';

/** The call's headers with the framing of this hop: a known length is announced, an unknown one left to chunks. */
export function requestHeaders(call: Invocation): string[] {
  const headers = call.headers.slice();
  if (call.body !== undefined && !Buffer.isBuffer(call.body) && call.contentLength !== undefined) {
    headers.push('Content-Length', String(call.contentLength));
  }
  return headers;
}
