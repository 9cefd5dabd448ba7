import { parseReplyHead } from '../../../frame/head-text.ts';
import { TinderboxError } from '../../../model/errors.ts';
import { isHopByHop, nominatedHeaders, same } from '../../../model/hop-by-hop.ts';
import type { RawHeaders } from '../../../model/invocation.ts';

/** A reply head that may be sent on. */
export interface CleanHead {
  readonly status: number;
  readonly contentLength: number | undefined;
  readonly headers: RawHeaders;
}

/** Judges and cleans the head an instance sent. Throws `bad-reply`. */
export function cleanReplyHead(text: string): CleanHead {
  const { status, contentLength, fields } = readHead(text);
  if (status < 200 || status > 599) {
    throw new TinderboxError('bad-reply', `the function answered with status ${status}; 200 to 599 are allowed`);
  }
  return { status, contentLength, headers: cleanFields(fields) };
}

function readHead(text: string): ReturnType<typeof parseReplyHead> {
  try {
    return parseReplyHead(text);
  } catch (error) {
    throw new TinderboxError('bad-reply', `the function's answer is not valid: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Header or trailer fields without hop-by-hop ones, those nominated by Connection, Content-Length (told by the head) and
 * what only the edge may say.
 */
export function cleanFields(fields: RawHeaders): RawHeaders {
  let clean = true;
  for (let at = 0; clean && at < fields.length; at += 2) clean = !isWithheld(fields[at] as string);
  if (clean) return fields;
  const nominated = nominatedHeaders(fields);
  return fields.filter((_, index) => {
    const name = fields[index - (index % 2)] as string;
    return !isWithheld(name) && nominated?.has(name.toLowerCase()) !== true;
  });
}

function isWithheld(name: string): boolean {
  if (name.length === 14) return same(name, 'content-length');
  if (name.length === 19 && same(name, 'x-openfaas-internal')) return true;
  return isHopByHop(name);
}
