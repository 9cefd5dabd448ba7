import { chmodSync, constants, copyFileSync, existsSync, linkSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isOpenToOthers } from '../../sandbox/find-obstacles.ts';
import { moveIntoPlace } from './move-into-place.ts';

/** The binary as it is where everyone can reach it, else a hard link in `directory` or, across file systems, one copy. */
export function installNode(node: string, directory: string, otherUsers: boolean): string {
  if (!otherUsers || isOpenToOthers(node, 'read and execute')) return node;
  // A folder of its own, called as it should be found: it can be put on PATH.
  const target = join(directory, `node-${process.versions.node}`);
  if (existsSync(target)) return join(target, 'node');
  const temporary = mkdtempSync(join(directory, '.new-'));
  chmodSync(temporary, 0o755);
  const file = join(temporary, 'node');
  if (!tryLink(node, file)) {
    copyFileSync(node, file, constants.COPYFILE_FICLONE);
    chmodSync(file, 0o755);
  }
  moveIntoPlace(temporary, target);
  return join(target, 'node');
}

/** A link shares its mode with the original, which may be closed to others. */
function tryLink(node: string, target: string): boolean {
  try {
    linkSync(node, target);
  } catch {
    return false;
  }
  if (isOpenToOthers(target, 'read and execute')) return true;
  rmSync(target, { force: true });
  return false;
}
