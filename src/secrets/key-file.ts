import { TinderboxError } from '../model/errors.ts';
import { readPrivateFile, writePrivateFile } from '../store/private-file.ts';
import { type Key, keyBytes, type KeyRing, keyFromBytes } from './key-ring.ts';

const what = 'the key file';
/** Keys as base64, one per line, the current one first. Lines that start with `#` are for people. */
const heading =
  '# Keys of the secrets at rest, the current one first. Keep a copy elsewhere: without it they are lost.\n';

/**
 * The keys in the file; undefined when there is no file. Throws `config` when it cannot be read, has a line that is no
 * key, holds none, or may be read by group or others.
 */
export async function readKeyFile(file: string): Promise<KeyRing | undefined> {
  const text = await readPrivateFile({ what, file });
  if (text === undefined) return undefined;
  const [current, ...older] = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => parseKey(file, line));
  if (current === undefined) throw new TinderboxError('config', `the key file ${file} holds no key`);
  return [current, ...older];
}

/** Replaces the file (0600) in one step: after a crash there is the old one or the new one, on disk. */
export async function writeKeyFile(file: string, ring: KeyRing): Promise<void> {
  const lines = ring.map(({ bytes }) => `${bytes.toString('base64')}\n`);
  await writePrivateFile({ what, file }, heading + lines.join(''));
}

function parseKey(file: string, line: string): Key {
  const bytes = Buffer.from(line, 'base64');
  if (bytes.length !== keyBytes || bytes.toString('base64') !== line) {
    throw new TinderboxError(
      'config',
      `the key file ${file} has a line that is not a key: ${keyBytes} bytes in base64`,
    );
  }
  return keyFromBytes(bytes);
}
