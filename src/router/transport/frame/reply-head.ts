import { parseReplyHead } from '../../../frame/head-text.ts';
import { TinderboxError } from '../../../model/errors.ts';
import type { RawHeaders } from '../../../model/invocation.ts';

/** A reply head that may be sent on. */
export interface CleanHead {
  readonly status: number;
  readonly contentLength: number | undefined;
  readonly headers: RawHeaders;
}

/** Never forwarded from a function: hop-by-hop fields, what the edge writes itself, and what only the edge may say. */
const withheld = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'x-openfaas-internal',
]);

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

/** Header or trailer fields without the withheld ones and those nominated by Connection. */
export function cleanFields(fields: RawHeaders): RawHeaders {
  let nominated: Set<string> | undefined;
  let clean = true;
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] as string).toLowerCase();
    if (!withheld.has(name)) continue;
    clean = false;
    if (name === 'connection') nominated = nominatedBy(fields[at + 1] as string, nominated);
  }
  if (clean) return fields;
  return fields.filter((_, index) => {
    const name = (fields[index - (index % 2)] as string).toLowerCase();
    return !withheld.has(name) && nominated?.has(name) !== true;
  });
}

function nominatedBy(value: string, before: Set<string> | undefined): Set<string> {
  const names = value.split(',').map((name) => name.trim().toLowerCase());
  return new Set([...(before ?? []), ...names]);
}
