import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import type { TemplateManifest } from './template-manifest.ts';

/** A template pulled into, or made in, `template/NAME` beside the stack file. */
export interface LocalTemplate extends TemplateManifest {
  /** As a stack file names it: `go`, `go@v1`. */
  readonly name: string;
  /** Absolute. */
  readonly directory: string;
}

const folderName = 'template';
const manifestName = 'template.yml';

/** Names of the templates in `template/` of a project, sorted; none where there is no such folder. */
export async function listLocalTemplates(project: string): Promise<readonly string[]> {
  const entries = await readdir(join(project, folderName), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** The project's own template of that name; undefined where it has none. Throws `invalid` for a broken template.yml. */
export async function findLocalTemplate(project: string, name: string): Promise<LocalTemplate | undefined> {
  if (!(await listLocalTemplates(project)).includes(name)) return undefined;
  const directory = join(project, folderName, name);
  const file = join(directory, manifestName);
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '';
    throw new TinderboxError('invalid', `${file} cannot be read: ${cause.message}`, { cause });
  });
  const { parseTemplateManifest } = await import('./template-manifest.ts');
  return { name, directory, ...parseTemplateManifest(text, `${folderName}/${name}/${manifestName}`) };
}
