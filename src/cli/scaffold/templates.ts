import { cp, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import { packageRoot } from '../package-root.ts';
import { resolveLanguage } from '../stack/language.ts';

/** A folder of `templates/`: what is copied, and fields its entry in the stack file needs. */
export interface Template {
  readonly name: string;
  readonly directory: string;
  /** Further fields of the entry, from the template's `template.yml`, for example `fprocess`. */
  readonly entry: Readonly<Record<string, unknown>>;
  /** Shown after it was used. */
  readonly welcomeMessage?: string;
}

const shipped = join(packageRoot, 'templates');

export async function listTemplates(root = shipped): Promise<readonly string[]> {
  const found = await readdir(root, { withFileTypes: true });
  return found
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** The template of that name, or the one its language has. Throws `invalid` naming those there are. */
export async function findTemplate(lang: string, root = shipped): Promise<Template> {
  const known = await listTemplates(root);
  const name = known.includes(lang) ? lang : resolveLanguage(lang).template;
  if (!known.includes(name)) {
    throw new TinderboxError('invalid', `there is no template for lang "${lang}"`, {
      hint: `there are: ${known.join(', ')}`,
    });
  }
  const directory = join(root, name);
  return { name, directory, ...(await readManifest(join(directory, manifestName))) };
}

/** Copies a template into a new folder, or an empty one. Throws `conflict` for any other. */
export async function copyTemplate(template: Template, folder: string): Promise<void> {
  const there = await readdir(folder).catch((reason: NodeJS.ErrnoException) => {
    if (reason.code === 'ENOENT') return [];
    throw new TinderboxError('conflict', `${folder} is in the way: it is not a folder`);
  });
  if (there.length > 0) {
    throw new TinderboxError('conflict', `folder ${folder} exists and is not empty`, {
      hint: 'take another name, or another folder with --handler',
    });
  }
  await mkdir(folder, { recursive: true });
  await cp(template.directory, folder, {
    recursive: true,
    filter: (source) => source !== join(template.directory, manifestName),
  });
  if (dirname(template.directory) === shipped) await nameGitignore(folder);
}

/** npm leaves a `.gitignore` out of every package, so ours stand without the dot. */
async function nameGitignore(folder: string): Promise<void> {
  await rename(join(folder, 'gitignore'), join(folder, '.gitignore')).catch((reason: NodeJS.ErrnoException) => {
    if (reason.code !== 'ENOENT') throw reason;
  });
}

const manifestName = 'template.yml';

async function readManifest(file: string): Promise<Pick<Template, 'entry' | 'welcomeMessage'>> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return { entry: {} };
  const { parse } = await import('yaml');
  const fields = (parse(text) ?? {}) as Record<string, unknown>;
  const { fprocess, environment, welcome_message: notes } = fields;
  return {
    entry: { ...(fprocess === undefined ? {} : { fprocess }), ...(environment === undefined ? {} : { environment }) },
    ...(typeof notes === 'string' ? { welcomeMessage: notes.trim() } : {}),
  };
}
