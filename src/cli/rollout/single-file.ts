import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import type { Language } from '../../model/artifact.ts';
import { TinderboxError } from '../../model/errors.ts';
import { assertName } from '../../model/names.ts';
import { nearestName } from '../stack/nearest-name.ts';

const languages: Readonly<Record<string, Language>> = {
  '.js': 'node',
  '.mjs': 'node',
  '.cjs': 'node',
  '.ts': 'node',
  '.mts': 'node',
  '.cts': 'node',
  '.py': 'python',
  '.sh': 'exec',
};

/** A function that is one file. */
export interface SingleFile {
  readonly name: string;
  readonly language: Language;
  /** Absolute. */
  readonly path: string;
  /** Command line of a shell script. */
  readonly process?: string;
}

/**
 * Reads language and name off a file's name; `name` outranks it. Throws `invalid` for a name that tells no language
 * or cannot be a function's, `not-found` for a file that is not there.
 */
export async function readSingleFile(cwd: string, file: string, name: string | undefined): Promise<SingleFile> {
  const path = resolve(cwd, file);
  const extension = extname(path).toLowerCase();
  const language = languages[extension];
  if (language === undefined) {
    throw new TinderboxError('invalid', `${file} is not a function of one file: its name ends in "${extension}"`, {
      hint: `known endings: ${Object.keys(languages).join(', ')}; use a stack file for everything else`,
    });
  }
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    const hint = await nearbyFile(path);
    throw new TinderboxError('not-found', `there is no file ${file}`, { hint });
  }
  if (!found.isFile()) throw new TinderboxError('invalid', `${file} is not a file`);
  const given = name ?? nameFrom(path);
  assertName('function', given);
  return { name: given, language, path, ...(language === 'exec' ? { process: scriptProcess(path, found.mode) } : {}) };
}

/** What there is in place of a file that is not. */
async function nearbyFile(path: string): Promise<string> {
  const files = await readdir(dirname(path)).catch(() => []);
  const functions = files.filter((name) => extname(name).toLowerCase() in languages);
  const nearest = nearestName(basename(path), functions);
  if (nearest !== undefined) return `did you mean "${nearest}"?`;
  return 'give the path of a .js, .ts, .py or .sh file; a stack file is deployed with: tinderbox deploy -f stack.yaml';
}

/** `wordCount.py` → `wordcount`, `my_fn.js` → `my-fn`. */
function nameFrom(path: string): string {
  return basename(path, extname(path))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

/** An executable script names its own interpreter, any other is for sh. */
function scriptProcess(path: string, mode: number): string {
  const quoted = `'./${basename(path).replaceAll("'", "'\\''")}'`;
  return (mode & 0o111) === 0 ? `sh ${quoted}` : quoted;
}
