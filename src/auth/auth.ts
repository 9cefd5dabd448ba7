import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { resolvePassword } from './password.ts';

/** Longest Authorization header looked at. */
const maxHeaderChars = 4096;

/** Basic authentication of the one operator. */
export interface Auth {
  readonly user: string;
  /** The password when it was made just now, to be shown once. */
  readonly newPassword: string | undefined;
  /** Whether an Authorization header holds the credentials; anything malformed is false. Takes constant time. */
  check(header: string | undefined): boolean;
}

export interface AuthOptions {
  readonly user: string;
  /** Given by the operator; otherwise it is read from `passwordFile`, or made there. */
  readonly password?: string | undefined;
  readonly passwordFile: string;
}

/** Rejects with `config` when the user or the password cannot be used, or the file cannot be read or made. */
export async function createAuth({ user, password, passwordFile }: AuthOptions): Promise<Auth> {
  const resolved = await resolvePassword({ user, given: password, file: passwordFile });
  // Keyed with something new in every process: what is compared is of no use elsewhere.
  const salt = randomBytes(16).toString('hex');
  const digest = (text: string): Buffer => hash('sha256', salt + text, 'buffer');
  const credentials = `${user}:${resolved.password}`;
  const canonical = digest(`Basic ${Buffer.from(credentials).toString('base64')}`);
  const decoded = digest(credentials);
  return {
    user,
    newPassword: resolved.isNew ? resolved.password : undefined,
    check(header) {
      if (header === undefined || header.length > maxHeaderChars) return false;
      // Every usual client sends exactly this text, so the common case is one hash and one comparison.
      if (timingSafeEqual(digest(header), canonical)) return true;
      const found = parseBasic(header);
      return found !== undefined && timingSafeEqual(digest(found), decoded);
    },
  };
}

/** The `user:password` of an RFC 7617 header; the scheme in any case, base64 with or without padding. */
function parseBasic(header: string): string | undefined {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header);
  return match?.[1] === undefined ? undefined : Buffer.from(match[1], 'base64').toString('utf8');
}
