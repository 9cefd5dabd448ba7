import { cp, lstat, mkdir, mkdtemp, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import type { Shell } from '../terminal/shell.ts';
import { listLocalTemplates } from './local-template.ts';
import { runGit } from './run-git.ts';
import { refNameOf, type TemplateRepository } from './template-source.ts';

export interface PullOptions {
  /** Only this template, written under the name a stack file gives it; absent: all of the repository. */
  readonly name?: string;
  /** Whether a template that is there is replaced. */
  readonly overwrite: boolean;
  /** Shows what git says. */
  readonly debug: boolean;
}

/**
 * Copies the templates of a git repository (folders below its `template/`) into `./template`, each with a `meta.json`
 * that says where it came from. A name is followed by `@ref` where a ref was asked for. Resolves with the names written.
 * Throws `not-found` for a repository without templates or without the one asked for, `conflict` for one that is there.
 */
export async function pullTemplates(
  shell: Shell,
  repository: TemplateRepository,
  options: PullOptions,
): Promise<readonly string[]> {
  const clone = await mkdtemp(join(tmpdir(), 'tinderbox-template-'));
  try {
    const sha = await cloneRepository(shell, repository, clone, options.debug);
    const wanted = await chooseTemplates(clone, repository, options);
    await assertFree(shell, wanted, options);
    for (const { folder, name } of wanted) {
      const meta = { repository: repository.url, ref_name: refNameOf(repository), sha, written_at: new Date() };
      await placeTemplate(join(clone, 'template', folder), join(shell.cwd, 'template', name), meta);
    }
    return wanted.map(({ name }) => name);
  } finally {
    await rm(clone, { recursive: true, force: true });
  }
}

async function cloneRepository(
  shell: Shell,
  { url, ref, sha }: TemplateRepository,
  target: string,
  debug: boolean,
): Promise<string> {
  const depth = sha === undefined ? ['--depth=1'] : [];
  const branch = ref === undefined || sha !== undefined ? [] : ['--branch', ref];
  await runGit(shell, ['clone', '--config', 'core.autocrlf=false', ...depth, ...branch, '--', url, target], { debug });
  if (sha !== undefined) await runGit(shell, ['checkout', '--quiet', '--detach', sha], { cwd: target, debug });
  return (await runGit(shell, ['rev-parse', 'HEAD'], { cwd: target })).trim();
}

interface Wanted {
  /** In the repository. */
  readonly folder: string;
  /** In `./template`. */
  readonly name: string;
}

async function chooseTemplates(
  clone: string,
  repository: TemplateRepository,
  { name }: PullOptions,
): Promise<readonly Wanted[]> {
  const source = join(clone, 'template');
  // A link in its place would lead to folders of this machine.
  const isFolder = (await lstat(source).catch(() => undefined))?.isDirectory() === true;
  const entries = isFolder ? await readdir(source, { withFileTypes: true }) : [];
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const refName = refNameOf(repository);
  if (folders.length === 0) {
    throw new TinderboxError('not-found', `${repository.url} has no folder "template" with templates in it`);
  }
  if (name === undefined) {
    return folders.map((folder) => ({ folder, name: refName === undefined ? folder : `${folder}@${refName}` }));
  }
  const folder = name.split('@')[0] ?? name;
  if (folders.includes(folder)) return [{ folder, name }];
  throw new TinderboxError('not-found', `${repository.url} has no template "${folder}"`, {
    hint: `it has: ${folders.join(', ')}`,
  });
}

/** Before the first is written, so that a refusal changes nothing. */
async function assertFree(shell: Shell, wanted: readonly Wanted[], { overwrite }: PullOptions): Promise<void> {
  if (overwrite) return;
  const there = await listLocalTemplates(shell.cwd);
  const taken = wanted.map(({ name }) => name).filter((name) => there.includes(name));
  if (taken.length === 0) return;
  throw new TinderboxError('conflict', `template/ has these already: ${taken.join(', ')}`, {
    hint: 'leave --overwrite=false away to replace them',
  });
}

/** Copies beside the place and renames, so that a template is never half of two versions. */
async function placeTemplate(source: string, target: string, meta: object): Promise<void> {
  await mkdir(join(target, '..'), { recursive: true });
  const fresh = `${target}.${process.pid}.tmp`;
  await assertContained(source);
  await cp(source, fresh, { recursive: true, verbatimSymlinks: true });
  await writeFile(join(fresh, 'meta.json'), `${JSON.stringify(meta)}\n`);
  await rm(target, { recursive: true, force: true });
  await rename(fresh, target);
}

/** A link that leaves its template would send a file of this machine with the next build. */
async function assertContained(folder: string): Promise<void> {
  const root = await realpath(folder);
  for (const entry of await readdir(folder, { recursive: true })) {
    const path = join(folder, entry);
    if (!(await lstat(path)).isSymbolicLink()) continue;
    const real = await realpath(path).catch(() => '');
    if (!real.startsWith(root + sep)) {
      throw new TinderboxError('invalid', `the template holds a link "${entry}" that leaves it`);
    }
  }
}
