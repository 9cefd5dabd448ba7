import type { Bind } from '../sandbox/sandbox.ts';

const shared = ['/tmp', '/var/tmp'];

/**
 * Binds that put a build's own folder in place of those everybody may write to. A folder stays as it is when what the
 * build needs lies below it: its own files (`runDir`), or a program it runs (`needed`, absolute paths among any other
 * words), as with a platform that was cloned to `/tmp`.
 */
export function tempBinds(temp: string, runDir: string, needed: readonly string[]): readonly Bind[] {
  const places = [runDir, ...needed];
  return shared
    .filter((folder) => !places.some((place) => `${place}/`.startsWith(`${folder}/`)))
    .map((target) => ({ source: temp, target, readOnly: false }));
}
