import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { TinderboxError } from '../model/errors.ts';
import { writePrivateFile } from '../store/private-file.ts';

/** 192 bits, as 32 characters that need no quoting in a URL or a shell. */
const generatedBytes = 24;
const maxPasswordChars = 1024;

export interface Password {
  readonly password: string;
  readonly isNew: boolean;
}

/**
 * The operator's password: as given, else from the file (one trailing line end is not part of it), else made and
 * stored there, 0600. Throws `config` for a user or password that Basic authentication cannot carry.
 */
export async function resolvePassword(options: {
  readonly user: string;
  readonly given: string | undefined;
  readonly file: string;
}): Promise<Password> {
  const { user, given, file } = options;
  assertUser(user);
  if (given !== undefined) return { password: checked(given, 'the password given'), isNew: false };
  const stored = await readPassword(file);
  if (stored !== undefined) return { password: checked(stored, `the password in ${file}`), isNew: false };
  const password = randomBytes(generatedBytes).toString('base64url');
  await writePrivateFile({ what: 'the password file', file }, `${password}\n`);
  return { password, isNew: true };
}

function assertUser(user: string): void {
  if (user !== '' && !/[:\p{Cc}]/u.test(user)) return;
  throw new TinderboxError('config', `the user "${user}" is not valid: it must not be empty nor contain a colon`);
}

function checked(password: string, what: string): string {
  if (password !== '' && password.length <= maxPasswordChars && !/\p{Cc}/u.test(password)) return password;
  throw new TinderboxError(
    'config',
    `${what} must have 1 to ${maxPasswordChars} characters, none of them a control character`,
  );
}

async function readPassword(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TinderboxError('config', `the password file ${file} cannot be read: ${why}`, { cause });
  }
}
