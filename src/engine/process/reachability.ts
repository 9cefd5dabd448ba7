import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whether every other user of the machine may execute this file: x on each folder above it, r and x on itself. */
export function isRunnableByOthers(path: string): boolean {
  try {
    if ((statSync(path).mode & 0o005) !== 0o005) return false;
    for (let dir = dirname(path); ; dir = dirname(dir)) {
      if ((statSync(dir).mode & 0o001) === 0) return false;
      if (dir === dirname(dir)) return true;
    }
  } catch {
    return false;
  }
}
