import { open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TinderboxError } from '../model/errors.ts';
import { type Key, keyBytes, type KeyRing, keyFromBytes } from './key-ring.ts';

/** Keys as base64, one per line, the current one first. Lines that start with `#` are for people. */
const heading =
  '# Keys of the secrets at rest, the current one first. Keep a copy elsewhere: without it they are lost.\n';

/**
 * The keys in the file; undefined when there is no file. Throws `config` when it cannot be read, has a line that is no
 * key, holds none, or may be read by group or others.
 */
export async function readKeyFile(file: string): Promise<KeyRing | undefined> {
  const text = await readPrivately(file);
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
  const half = `${file}.new`;
  const lines = ring.map(({ bytes }) => `${bytes.toString('base64')}\n`);
  try {
    await writeSynced(half, heading + lines.join(''));
    await rename(half, file);
    await syncFolder(dirname(file));
  } catch (cause) {
    throw new TinderboxError('config', `the key file ${file} cannot be written: ${textOf(cause)}`, { cause });
  }
}

async function readPrivately(file: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(file);
    assertPrivate(file, mode);
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof TinderboxError) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new TinderboxError('config', `the key file ${file} cannot be read: ${textOf(cause)}`, { cause });
  }
}

function assertPrivate(file: string, mode: number): void {
  if ((mode & 0o077) === 0) return;
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  throw new TinderboxError('config', `the key file ${file} has mode ${shown}: others than its owner may use it`, {
    hint: `chmod 600 ${file}`,
  });
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

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.chmod(0o600);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
