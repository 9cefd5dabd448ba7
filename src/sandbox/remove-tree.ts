import { execFile } from 'node:child_process';
import { opendirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Up to so many entries, removing them at once costs less than a process that does it. */
const fewEntries = 64;

/**
 * Removes a tree that untrusted programs wrote, also one nested deeper than a path can be long; no error when it is not
 * there. Rejects when something stays. Large ones are removed beside the calls of others: they may have millions of files.
 *
 * Somebody may still be inside. `rmSync` and rm(1) hold on to each folder while they empty it, so a link put in the place
 * of one leads nowhere; `rm` of node:fs/promises goes by path, and would follow it as root.
 */
export async function removeTree(path: string): Promise<void> {
  if (isSmall(path)) removeAtOnce(path);
  else await promisify(execFile)('/bin/rm', ['-rf', '--', path]).catch(() => removeAtOnce(path));
}

function removeAtOnce(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

function isSmall(path: string): boolean {
  try {
    return countEntries(path, fewEntries) < fewEntries;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR';
  }
}

/** Counts at every depth, and stops at `most`. */
function countEntries(directory: string, most: number): number {
  const folder = opendirSync(directory);
  try {
    let count = 0;
    for (let entry = folder.readSync(); entry !== null && count < most; entry = folder.readSync()) {
      count += 1;
      if (entry.isDirectory()) count += countEntries(join(directory, entry.name), most - count);
    }
    return count;
  } finally {
    folder.closeSync();
  }
}
