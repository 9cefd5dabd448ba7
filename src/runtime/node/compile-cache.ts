import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * Uses the compile cache a build left, without ever writing to it. Node looks for its cache in a folder whose name ends
 * with the uid of the process, and the build had another uid; so a link of the right name is made under `tmpDir`.
 * A cache that cannot be used costs time, nothing else.
 */
export function useCompileCache(directory: string, tmpDir: string | undefined): void {
  const uid = process.getuid?.();
  try {
    const built = readdirSync(directory).find((name) => name.startsWith(`${process.version}-${process.arch}-`));
    if (built === undefined) return;
    const own = uid === undefined ? built : built.replace(/-\d+$/, `-${uid}`);
    if (own === built || tmpDir === undefined) {
      enableCompileCache({ directory, portable: true });
      return;
    }
    const linked = join(tmpDir, '.compile-cache');
    mkdirSync(linked, { recursive: true });
    symlinkSync(join(directory, built), join(linked, own));
    enableCompileCache({ directory: linked, portable: true });
  } catch {
    // Compiled anew.
  }
}
