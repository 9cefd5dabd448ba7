import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/**
 * What a fresh clone would hold, had everything here been committed: every file git does not ignore, as it is now. With
 * `dependencies` also what is installed, as hard links where the target is on the same disk, so that nothing is downloaded.
 */
export function copySource(target: string, options: { readonly dependencies: boolean }): void {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of list.toString().split('\0')) {
    if (file === '' || !existsSync(join(root, file))) continue;
    mkdirSync(join(target, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(target, file));
  }
  if (options.dependencies) copyDependencies(target);
}

function copyDependencies(target: string): void {
  const modules = join(root, 'node_modules');
  const sameFileSystem = statSync(modules).dev === statSync(target).dev;
  execFileSync('cp', [sameFileSystem ? '-al' : '-a', modules, target]);
}
