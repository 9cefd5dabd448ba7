import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import { runGit } from '../templates/run-git.ts';
import type { Shell } from '../terminal/shell.ts';

const formats = ['latest', 'sha', 'branch', 'describe', 'digest'] as const;

/** How `--tag` names an image after its source. */
export type TagFormat = (typeof formats)[number];

export function parseTagFormat(text: string): TagFormat {
  const wanted = text.toLowerCase() === 'default' ? 'latest' : text.toLowerCase();
  const found = formats.find((format) => format === wanted);
  if (found !== undefined) return found;
  throw new TinderboxError('invalid', `--tag "${text}" is not one of ${formats.join(', ')}`);
}

/**
 * The image name of a function under a format, as faas-cli makes it: `name:tag-<sha7>`, `name:tag-<branch>-<sha7>`,
 * `name:tag-<git describe>`; `digest` takes the place of the tag by the MD5 of the handler's files. Throws `invalid`
 * outside a git repository.
 */
export async function tagImage(
  shell: Shell,
  image: string,
  format: TagFormat,
  handler: string | undefined,
): Promise<string> {
  const colon = image.lastIndexOf(':');
  const tagged = colon > image.lastIndexOf('/') ? image : `${image}:latest`;
  if (format === 'latest') return tagged;
  if (format === 'digest') {
    if (handler === undefined) throw new TinderboxError('invalid', `--tag digest needs the source of ${image}`);
    return `${tagged.slice(0, tagged.lastIndexOf(':'))}:${await digestOf(handler)}`;
  }
  const git = async (...args: readonly string[]): Promise<string> => {
    return (await runGit(shell, args).catch((cause: unknown) => refuse(format, cause))).trim();
  };
  if (format === 'describe') return `${tagged}-${await git('describe', '--tags', '--always')}`;
  const sha = await git('rev-parse', '--short', 'HEAD');
  if (format === 'sha') return `${tagged}-${sha}`;
  // A slash would make another name of it.
  const branch = (await git('rev-parse', '--abbrev-ref', 'HEAD')).replaceAll('/', '-');
  return `${tagged}-${branch}-${sha}`;
}

function refuse(format: TagFormat, cause: unknown): never {
  throw new TinderboxError(
    'invalid',
    `--tag ${format} needs a git repository with a commit: ${TinderboxError.from(cause).message}`,
    {
      hint: '--tag digest needs no git',
      cause,
    },
  );
}

/** MD5 of the MD5s of all files, in the order of their paths. */
async function digestOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash('md5');
  for (const path of paths.sort())
    hash.update(
      createHash('md5')
        .update(await readFile(path))
        .digest('hex'),
    );
  return hash.digest('hex');
}
