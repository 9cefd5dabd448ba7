import { open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TinderboxError } from '../model/errors.ts';

/** A file of the platform that holds something secret; `what` names it in messages. */
export interface PrivateFile {
  readonly what: string;
  readonly file: string;
}

/** Its text; undefined when it is not there. Throws `config` when it cannot be read, or may be by group or others. */
export async function readPrivateFile({ what, file }: PrivateFile): Promise<string | undefined> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) throw openToOthers({ what, file }, mode);
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof TinderboxError) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new TinderboxError('config', `${what} ${file} cannot be read: ${textOf(cause)}`, { cause });
  }
}

/** Replaces it (0600) in one step: after a crash there is the old one or the new one, on disk. Throws `config`. */
export async function writePrivateFile({ what, file }: PrivateFile, text: string): Promise<void> {
  const half = `${file}.new`;
  try {
    await writeSynced(half, text);
    await rename(half, file);
    const folder = await open(dirname(file), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (cause) {
    throw new TinderboxError('config', `${what} ${file} cannot be written: ${textOf(cause)}`, { cause });
  }
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

function openToOthers({ what, file }: PrivateFile, mode: number): TinderboxError {
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  return new TinderboxError('config', `${what} ${file} has mode ${shown}: others than its owner may use it`, {
    hint: `chmod 600 ${file}`,
  });
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
