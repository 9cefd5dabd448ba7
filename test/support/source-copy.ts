import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/**
 * What a fresh clone would hold, had everything here been committed: every file git does not ignore, as it is now. With
 * `dependencies` also what is installed, as hard links, so that nothing is downloaded and hardly any disk is used.
 */
export function copySource(target: string, options: { readonly dependencies: boolean }): void {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of list.toString().split('\0')) {
    if (file === '' || !existsSync(join(root, file))) continue;
    mkdirSync(join(target, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(target, file));
  }
  if (options.dependencies) execFileSync('cp', ['-al', join(root, 'node_modules'), target]);
}
