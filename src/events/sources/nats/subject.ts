import { TinderboxError } from '../../../model/errors.ts';
import { shorten } from '../../../model/shorten.ts';

const mostChars = 255;

/**
 * Throws `invalid` unless `text` is a subject of NATS (docs.nats.io, "Subject-based messaging"): tokens without white space
 * separated by dots. Where `wildcards` are allowed a token may be `*`, and the last one `>`.
 */
export function assertSubject(what: string, text: string, wildcards: boolean): void {
  if (text.length > mostChars) {
    throw new TinderboxError('invalid', `${what}: has ${text.length} characters, the limit is ${mostChars}`);
  }
  const tokens = text.split('.');
  tokens.forEach((token, index) => {
    const why = faultOf(token, index === tokens.length - 1, wildcards);
    if (why !== undefined) throw new TinderboxError('invalid', `${what}: "${shorten(text)}" ${why}`);
  });
}

function faultOf(token: string, last: boolean, wildcards: boolean): string | undefined {
  if (token === '') return 'is empty between two dots or at an end';
  if (/[^\x21-\x7e]/.test(token)) return 'has white space or characters that are not ASCII';
  if (!/[*>]/.test(token)) return undefined;
  if (!wildcards) return 'has a wildcard, which cannot be published to';
  if (token === '*' || (token === '>' && last)) return undefined;
  return 'has a wildcard that is no token of its own, or a > that is not the last';
}

/** Whether it is a subject that can be subscribed to. */
export function isSubject(text: string): boolean {
  try {
    assertSubject('subject', text, true);
    return true;
  } catch {
    return false;
  }
}

/** Throws `invalid` unless `text` can be the name of a stream or consumer of JetStream (ADR-6). */
export function assertNatsName(what: string, text: string): void {
  if (/^[-_A-Za-z0-9]{1,200}$/.test(text)) return;
  throw new TinderboxError('invalid', `${what}: "${shorten(text)}" is not of letters, digits, - and _, at most 200`);
}
