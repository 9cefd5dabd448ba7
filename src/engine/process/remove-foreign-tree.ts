import { execFile } from 'node:child_process';
import { chmodSync, opendirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { notice } from '../../observe/channels.ts';

/** Up to so many entries, removing them at once costs less than a process that does it. */
const fewEntries = 64;

/**
 * Removes a folder a function wrote in, whatever it left there; nobody else can enter it from now on. Never rejects: what
 * stays is told, and is for the sweep of the next start.
 *
 * Another instance of the same function may still be inside. `rmSync` and rm(1) hold on to each folder while they empty
 * it, so a link put in the place of one leads nowhere; `rm` of node:fs/promises would follow it, as root.
 */
export async function removeForeignTree(directory: string): Promise<void> {
  try {
    chmodSync(directory, 0o700);
    if (countEntries(directory, fewEntries) < fewEntries) removeAtOnce(directory);
    // A function can leave millions of files, and no call of another one may wait for their end.
    else await promisify(execFile)('/bin/rm', ['-rf', '--', directory]).catch(() => removeAtOnce(directory));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    const message = `what an instance left in ${directory} cannot be removed: ${(error as Error).message}`;
    notice.publish({ level: 'warn', part: 'engine', message });
  }
}

function removeAtOnce(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
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
