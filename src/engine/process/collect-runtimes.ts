import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { notice } from '../../observe/channels.ts';
import { removeTree } from '../../sandbox/remove-tree.ts';

/** What installing makes; whatever else is in the folder is somebody else's. */
const installed = /^([0-9a-f]{16}|node-.+|\.new-.+)$/;

/**
 * Removes the installations of earlier platforms that nothing runs from any more. `inUse`: files and folders that living
 * processes need. Only for who holds the keeper, so that nobody installs meanwhile. Never rejects.
 */
export async function collectRuntimes(runtimeDir: string, inUse: readonly string[]): Promise<void> {
  const paths = readdirSync(runtimeDir)
    .filter((name) => installed.test(name))
    .map((name) => join(runtimeDir, name));
  const stale = paths.filter((path) => !inUse.some((used) => `${used}${sep}`.startsWith(`${path}${sep}`)));
  await Promise.all(stale.map(remove));
}

async function remove(path: string): Promise<void> {
  await removeTree(path).catch((error: Error) => {
    const message = `${path}, which nothing runs from any more, cannot be removed: ${error.message}`;
    notice.publish({ level: 'warn', part: 'engine', message });
  });
}
