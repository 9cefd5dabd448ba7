import { chmod, copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listSource } from '../../client/pack-source.ts';
import type { Shell } from '../terminal/shell.ts';
import type { BuildTarget } from './build-target.ts';

/** Writes to `./build/NAME`, which is emptied first, what would be sent to the builder. */
export async function shrinkwrap(shell: Shell, targets: readonly BuildTarget[]): Promise<void> {
  for (const { name, source } of targets) {
    const files = await listSource(source);
    const folder = join(shell.cwd, 'build', name);
    await rm(folder, { recursive: true, force: true });
    for (const { path, file, executable } of files) {
      const target = join(folder, path);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(file, target);
      await chmod(target, executable ? 0o755 : 0o644);
    }
    shell.stdout.write(`${name} shrink-wrapped to ./build/${name}/\n`);
  }
}
