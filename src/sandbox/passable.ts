import { TinderboxError } from '../model/errors.ts';
import { findClosedFolder } from './find-obstacles.ts';

/**
 * Throws `config` unless every other user of the machine may pass through this folder and all above it: functions run
 * as users of their own, and what they run lies below. Names the folder that is in the way.
 */
export function assertPassable(setting: string, directory: string): void {
  const closed = findClosedFolder(directory);
  if (closed === undefined) return;
  throw new TinderboxError(
    'config',
    `${setting} ${directory}: ${closed.at} has mode ${closed.mode.toString(8)}, so the users of functions cannot pass it`,
    { hint: `chmod o+x ${closed.at}, or choose another folder for ${setting}` },
  );
}
