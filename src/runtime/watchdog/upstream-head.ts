import type { RequestHead } from '../../frame/head-text.ts';
import { isHopByHop, nominatedHeaders } from '../../model/hop-by-hop.ts';
import { fieldOf } from './call.ts';

/** A request as text for the function's server, with the framing of that hop. */
export function formatUpstreamHead(head: RequestHead, hasBody: boolean): string {
  const { fields, contentLength } = head;
  const named = nominatedHeaders(fields);
  let text = `${head.method} ${originForm(head.target)} HTTP/1.1\r\n`;
  if (fieldOf(fields, 'host') === undefined) text += 'Host: localhost\r\n';
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    if (isHopByHop(name) || isFraming(name) || named?.has(name.toLowerCase()) === true) continue;
    text += `${name}: ${fields[at + 1]}\r\n`;
  }
  if (contentLength === undefined) text += hasBody ? 'Transfer-Encoding: chunked\r\n' : '';
  else if (hasBody || needsLength.has(head.method)) text += `Content-Length: ${contentLength}\r\n`;
  return `${text}\r\n`;
}

/** Methods whose empty body is told: a server may wait for one otherwise. */
const needsLength = new Set(['POST', 'PUT', 'PATCH']);

/** `Expect` was answered already. */
function isFraming(name: string): boolean {
  return (name.length === 14 && /^content-length$/i.test(name)) || (name.length === 6 && /^expect$/i.test(name));
}

/** A client may ask as one asks a proxy: the function's server is asked by path. */
function originForm(target: string): string {
  if (target.startsWith('/') || target === '*') return target;
  const path = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/i.exec(target)?.[1] ?? '';
  return path.startsWith('/') ? path : `/${path}`;
}
