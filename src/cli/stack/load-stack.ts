import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import type { Shell } from '../terminal/shell.ts';
import { parseStack } from './parse-stack.ts';
import type { StackFile } from './stack-file.ts';

const defaultNames = ['stack.yaml', 'stack.yml'];

/** The stack file asked for, or the one in the current folder; undefined where there is none and none was asked for. */
export async function loadStack(
  shell: Shell,
  file: string | undefined,
  substitute = true,
): Promise<StackFile | undefined> {
  const candidates = file === undefined ? defaultNames : [file];
  for (const candidate of candidates) {
    const path = resolve(shell.cwd, candidate);
    const text = await readIfThere(path);
    if (text === undefined) continue;
    const stack = parseStack({ text, file: candidate, directory: dirname(path), env: shell.env, substitute });
    for (const warning of stack.warnings) shell.stderr.write(`warning: ${warning}\n`);
    return stack;
  }
  if (file === undefined) return undefined;
  throw new TinderboxError('not-found', `stack file ${file} does not exist`, {
    hint: 'tinderbox new NAME --lang node writes one',
  });
}

/** The stack file, which the command cannot do without. */
export async function requireStack(shell: Shell, file: string | undefined, substitute = true): Promise<StackFile> {
  const stack = await loadStack(shell, file, substitute);
  if (stack !== undefined) return stack;
  throw new TinderboxError('invalid', `there is no ${defaultNames.join(' or ')} in ${join(shell.cwd, '/')}`, {
    hint: 'give one with --yaml FILE, or make one with: tinderbox new NAME --lang node',
  });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new TinderboxError('invalid', `${path} cannot be read: ${(reason as Error).message}`, { cause: reason });
  }
}
