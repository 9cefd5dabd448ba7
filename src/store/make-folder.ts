import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { TinderboxError } from '../model/errors.ts';

/** A folder the platform works in, and how it is asked for. */
export interface FolderRequest {
  /** For messages: `data folder`. */
  readonly what: string;
  readonly dir: string;
  /** Of the folder itself; those above it get the usual one. */
  readonly mode: number;
  /** The flag that chooses another. */
  readonly flag: string;
}

/** Makes a folder where there is none, and checks that it is ours to write. Throws `config`, naming it and our uid. */
export function makeFolder({ what, dir, mode, flag }: FolderRequest): void {
  try {
    makeWithParents(dir, mode);
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw notWritable({ what, dir, mode, flag }, cause);
  }
}

export function notWritable({ what, dir, flag }: FolderRequest, cause: unknown): TinderboxError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TinderboxError(
    'config',
    `the ${what} ${dir} cannot be written by uid ${process.geteuid?.() ?? '?'}: ${why}`,
    { hint: `choose another with ${flag}, or change its owner`, cause },
  );
}

/** Node's own recursive mkdir never returns where a folder takes none and says that it does not exist, as /proc does. */
function makeWithParents(dir: string, mode?: number): void {
  try {
    mkdirSync(dir, mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    const parent = dirname(dir);
    if (code !== 'ENOENT' || parent === dir) throw error;
    makeWithParents(parent);
    mkdirSync(dir, mode);
  }
}
