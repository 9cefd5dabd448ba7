import { statSync } from 'node:fs';
import { TinderboxError } from '../model/errors.ts';

/**
 * Throws `config` unless the folder belongs to this process's user and nobody else may write in it: what lies there is
 * run with the platform's rights, and whoever can rename it can replace it.
 */
export function assertUnshared(setting: string, directory: string): void {
  const { uid, mode } = statSync(directory);
  const own = process.geteuid?.() ?? uid;
  const hint = {
    hint: `chown ${own} ${directory} && chmod go-w ${directory}, or choose another folder for ${setting}`,
  };
  if (uid !== own) {
    throw new TinderboxError('config', `${setting} ${directory} belongs to uid ${uid}, the platform is ${own}`, hint);
  }
  if ((mode & 0o022) === 0) return;
  const shown = (mode & 0o7777).toString(8);
  throw new TinderboxError('config', `${setting} ${directory} has mode ${shown}, so others may write in it`, hint);
}
