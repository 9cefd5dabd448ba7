import type { RawHeaders } from './invocation.ts';

/**
 * Whether a header speaks to the next hop only and must not be passed on (RFC 9110, section 7.6.1). Any case. Written
 * for the hot path: most names are told apart by their length.
 */
export function isHopByHop(name: string): boolean {
  switch (name.length) {
    case 2:
      return same(name, 'te');
    case 7:
      return same(name, 'trailer') || same(name, 'upgrade');
    case 10:
      return same(name, 'connection') || same(name, 'keep-alive');
    case 16:
      return same(name, 'proxy-connection');
    case 17:
      return same(name, 'transfer-encoding');
    case 18:
      return same(name, 'proxy-authenticate');
    case 19:
      return same(name, 'proxy-authorization');
    default:
      return false;
  }
}

/** What says whom a message is for and where its body ends, which no `Connection` can take away (RFC 9110, section 7.6.1). */
const essential = new Set(['content-length', 'host', 'transfer-encoding']);

/** Headers that a `Connection` header declares to be hop-by-hop, lower-case; undefined when it names none. */
export function nominatedHeaders(headers: RawHeaders): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.length !== 10 || !same(headers[index] ?? '', 'connection')) continue;
    const value = headers[index + 1] ?? '';
    if (same(value, 'keep-alive') || same(value, 'close') || same(value, 'upgrade')) continue;
    for (const part of value.split(',')) {
      const name = part.trim().toLowerCase();
      if (name !== '' && name !== 'close' && !essential.has(name)) (names ??= new Set()).add(name);
    }
  }
  return names;
}

/** Compares a header name or token of any case with a lower-case one. */
export function same(name: string, lower: string): boolean {
  return name === lower || (name.length === lower.length && name.toLowerCase() === lower);
}
