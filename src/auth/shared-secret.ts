import { randomBytes } from 'node:crypto';
import { TinderboxError } from '../model/errors.ts';
import { type PrivateFile, readPrivateFile, writePrivateFile } from '../store/private-file.ts';

const maxSecretChars = 1024;

/**
 * A secret the platform shares with somebody else, by which one signs what the other gets: what the file holds without
 * white space around it, as faas-cli reads it. A file that is not there is made, 0600, like the password. Throws `config`
 * when it cannot be read, is empty, or may be read by others.
 */
export async function readSharedSecret({ what, file }: PrivateFile): Promise<string> {
  const secret = (await readPrivateFile({ what, file }))?.trim() ?? (await makeSecret({ what, file }));
  if (secret !== '' && secret.length <= maxSecretChars) return secret;
  throw new TinderboxError('config', `${what} ${file} has ${secret.length} characters, not 1 to ${maxSecretChars}`);
}

async function makeSecret(place: PrivateFile): Promise<string> {
  const secret = randomBytes(32).toString('hex');
  await writePrivateFile(place, `${secret}\n`);
  return secret;
}
