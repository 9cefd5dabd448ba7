import { chmodSync } from 'node:fs';
import { removeTree } from '../../../sandbox/remove-tree.ts';

/**
 * Removes what ended programs wrote and were given: their folders and their secrets. Large ones are removed by a process
 * of their own, so that starts and stops of others go on meanwhile. Never rejects: what stays is for the next sweep.
 */
export async function removeTraces(directories: readonly string[]): Promise<void> {
  await Promise.all(directories.map(removeTrace));
}

async function removeTrace(directory: string): Promise<void> {
  try {
    // Another instance of the same user must not be able to swap what is being removed.
    chmodSync(directory, 0o700);
    await removeTree(directory);
  } catch {
    // Gone already, or for the sweep of the next platform.
  }
}
