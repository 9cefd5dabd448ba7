import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TinderboxError } from '../model/errors.ts';
import type { AddedFile } from './language-builder.ts';
import type { BuildPlan } from './plan.ts';
import type { SourceEntry, SourceTree } from './source-tree.ts';
import type { TypeScriptCompiler } from './type-script-compiler.ts';

/** Copies the plan's part of a source into `target` (which must not exist), links as links, only the executable bit kept. */
export async function stageSource(tree: SourceTree, root: string, target: string): Promise<void> {
  await mkdir(target, { mode: 0o755 });
  const prefix = root === '' ? '' : `${root}/`;
  for (const entry of tree.entries) {
    if (!entry.path.startsWith(prefix)) continue;
    await stageEntry(entry, join(tree.root, entry.path), join(target, entry.path.slice(prefix.length)));
  }
}

/** Writes what the builder adds, over nothing of the source: throws `invalid` where a file of that name is there. */
export async function stageAdded(files: readonly AddedFile[], target: string): Promise<void> {
  for (const { path, text } of files) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await writeFile(join(target, path), text, { mode: 0o644, flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EEXIST' && cause.code !== 'ENOTDIR') throw cause;
      throw new TinderboxError('invalid', `"${path}" is a name the builder needs; call the file otherwise`, { cause });
    });
  }
}

async function stageEntry(entry: SourceEntry, from: string, to: string): Promise<void> {
  if (entry.kind === 'directory') await mkdir(to, { mode: 0o755 });
  else if (entry.kind === 'link') await symlink(entry.target, to);
  else {
    await copyFile(from, to);
    await chmod(to, entry.executable ? 0o755 : 0o644);
  }
}

/**
 * Writes beside every TypeScript file what it is as JavaScript, so that no instance pays for it, and resolves with the
 * handler to load. Throws `invalid` for TypeScript that needs more than leaving types out.
 */
export async function stageTypeScript(
  compiler: TypeScriptCompiler,
  { tree, plan }: { readonly tree: SourceTree; readonly plan: BuildPlan },
  target: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const prefix = plan.root === '' ? '' : `${plan.root}/`;
  const paths = tree.entries
    .filter((entry) => entry.kind === 'file' && entry.path.startsWith(prefix))
    .map((entry) => entry.path.slice(prefix.length))
    .filter((path) => !path.split('/').includes('node_modules'));
  const compiled = await compiler.compile({ folder: target, paths }, signal);
  for (const file of compiled.files) {
    await mkdir(dirname(join(target, file.path)), { recursive: true });
    await writeFile(join(target, file.path), file.text, { mode: 0o644 });
  }
  return plan.handler === undefined ? undefined : (compiled.renamed.get(plan.handler) ?? plan.handler);
}
