import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import { withoutUserInfo } from '../connection/trace-requests.ts';
import { downloadText, isWebAddress } from '../download-text.ts';
import type { Shell } from '../terminal/shell.ts';
import { listLocalTemplates } from '../templates/local-template.ts';
import type { StackSource } from './parse-stack.ts';
import type { StackFile } from './stack-file.ts';

const defaultNames = ['stack.yaml', 'stack.yml'];
/** Fn's, which is read as a stack of one function where there is no stack file. */
const fnNames = ['func.yaml', 'func.yml'];

const maxStackBytes = 1024 * 1024;

/** The stack file asked for (a file, or an http or https address), or the one in the current folder; undefined where there is none and none was asked for. */
export async function loadStack(
  shell: Shell,
  file: string | undefined,
  substitute = true,
  names: readonly string[] = defaultNames,
): Promise<StackFile | undefined> {
  if (file !== undefined && isWebAddress(file)) return downloadStack(shell, file, substitute);
  const candidates = file === undefined ? names : [file];
  for (const candidate of candidates) {
    const path = resolve(shell.cwd, candidate);
    const text = await readIfThere(path);
    if (text === undefined) continue;
    const directory = dirname(path);
    if (!fnNames.includes(basename(path))) return read(shell, { text, file: candidate, directory, substitute });
    const { parseFnFile } = await import('./parse-fn-file.ts');
    return parseFnFile(text, candidate, directory);
  }
  if (file === undefined) return undefined;
  throw new TinderboxError('not-found', `stack file ${file} does not exist`, {
    hint: 'tinderbox new NAME --lang node writes one',
  });
}

/** A stack file of another machine; its handlers, templates and environment files are those of the current folder. */
async function downloadStack(shell: Shell, address: string, substitute: boolean): Promise<StackFile> {
  const file = withoutUserInfo(address);
  const text = await downloadText(shell, address, { what: `stack file ${file}`, maxBytes: maxStackBytes });
  return read(shell, { text, file, directory: shell.cwd, substitute });
}

/** What parses YAML is loaded here: most commands look for a stack file, and most of them find none. */
async function read(shell: Shell, source: Omit<StackSource, 'env' | 'templates'>): Promise<StackFile> {
  const { parseStack } = await import('./parse-stack.ts');
  const templates = await listLocalTemplates(source.directory);
  return parseStack({ ...source, env: shell.env, templates });
}

/** The stack file, which the command cannot do without. What is odd in it is told on stderr. */
export async function requireStack(shell: Shell, file: string | undefined, substitute = true): Promise<StackFile> {
  const stack = await loadStack(shell, file, substitute, [...defaultNames, ...fnNames]);
  for (const warning of stack?.warnings ?? []) shell.stderr.write(`warning: ${warning}\n`);
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
