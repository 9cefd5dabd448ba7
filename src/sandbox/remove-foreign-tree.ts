import { chmodSync } from 'node:fs';
import { notice } from '../observe/channels.ts';
import { removeTree } from './remove-tree.ts';

/**
 * Removes a folder untrusted code wrote in, whatever it left there; no other user can enter it from now on. Never rejects:
 * what stays is told, and is for the sweep of the next start.
 */
export async function removeForeignTree(directory: string): Promise<void> {
  try {
    chmodSync(directory, 0o700);
    await removeTree(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    const message = `what untrusted code left in ${directory} cannot be removed: ${(error as Error).message}`;
    notice.publish({ level: 'warn', part: 'sandbox', message });
  }
}
