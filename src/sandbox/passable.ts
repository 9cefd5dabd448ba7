import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { TinderboxError } from '../model/errors.ts';

/**
 * Throws `config` unless every other user of the machine may pass through this folder and all above it: functions run
 * as users of their own, and what they run lies below. Names the folder that is in the way.
 */
export function assertPassable(setting: string, directory: string): void {
  for (let dir = resolve(directory); ; dir = dirname(dir)) {
    const mode = statSync(dir).mode & 0o777;
    if ((mode & 0o001) === 0) {
      throw new TinderboxError(
        'config',
        `${setting} ${directory}: ${dir} has mode ${mode.toString(8)}, so the users of functions cannot pass it`,
        { hint: `chmod o+x ${dir}, or choose another folder for ${setting}` },
      );
    }
    if (dir === dirname(dir)) return;
  }
}
