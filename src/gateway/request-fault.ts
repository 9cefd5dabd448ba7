import type { IncomingMessage } from 'node:http';
import { TinderboxError } from '../model/errors.ts';
import { same } from '../model/hop-by-hop.ts';
import { shorten } from '../model/shorten.ts';

/**
 * Why a request that node:http has read must not be answered: its host is not one (RFC 9112, section 3.2; node:http
 * keeps the first of two), or its body has a coding beside `chunked`, which a function could not tell from its content
 * (section 6.1).
 */
export function requestFault({ rawHeaders, httpVersionMinor }: IncomingMessage): TinderboxError | undefined {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && same(name, 'host')) hosts += 1;
    else if (name.length === 17 && same(name, 'transfer-encoding')) {
      const coding = rawHeaders[at + 1] as string;
      if (!same(coding, 'chunked')) return unknownCoding(coding);
    }
  }
  if (hosts === 1 || (hosts === 0 && httpVersionMinor === 0)) return undefined;
  return new TinderboxError('invalid', `the request has ${hosts === 0 ? 'no' : 'more than one'} Host header`);
}

/** A body whose last coding is not `chunked` has no end (section 6.3). */
function unknownCoding(coding: string): TinderboxError {
  const code = /(?:^|[,\s])chunked\s*$/i.test(coding) ? 'unsupported' : 'invalid';
  return new TinderboxError(code, `Transfer-Encoding "${shorten(coding)}": only chunked is understood`);
}
