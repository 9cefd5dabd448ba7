import type { IncomingMessage } from 'node:http';
import { same } from '../model/hop-by-hop.ts';

/** Whether a request names more than one host, which none may (RFC 9112, section 3.2); node:http keeps the first. */
export function hasTwoHosts({ rawHeaders }: IncomingMessage): boolean {
  let found = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && same(name, 'host')) found += 1;
  }
  return found > 1;
}
