import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { TinderboxError } from '../model/errors.ts';
import { assertName } from '../model/names.ts';
import type { CommandDefinition } from './command-definition.ts';
import { appendToStack } from './scaffold/append-to-stack.ts';
import { copyTemplate, findTemplate, listTemplates } from './scaffold/templates.ts';
import type { Shell } from './terminal/shell.ts';

interface NewFlags {
  readonly lang?: string;
  readonly prefix?: string;
  readonly handler?: string;
  readonly append?: string;
  readonly list?: boolean;
}

export const newCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    command
      .argument('[name]', 'name of the function and of its folder')
      .option('--lang <language>', 'language of the template')
      .option('-p, --prefix <prefix>', 'put before the image name, such as a registry (OPENFAAS_PREFIX)')
      .option('--handler <folder>', 'folder for the source (NAME)')
      .option('-a, --append <file>', 'stack file to add the function to (stack.yaml)')
      .option('--list', 'list the templates')
      .action((name: string | undefined, flags: NewFlags) => makeFunction(shell, name, flags));
  },
};

async function makeFunction(shell: Shell, name: string | undefined, flags: NewFlags): Promise<void> {
  if (flags.list === true) {
    shell.stdout.write((await listTemplates()).map((template) => `${template}\n`).join(''));
    return;
  }
  if (name === undefined || flags.lang === undefined) {
    throw new TinderboxError('invalid', name === undefined ? 'no name given' : 'no language given', {
      hint: 'tinderbox new NAME --lang node; tinderbox new --list shows the languages',
    });
  }
  assertName('function', name);
  const template = await findTemplate(flags.lang);
  const folder = resolve(shell.cwd, flags.handler ?? name);
  const file = await stackFileOf(shell, flags.append);
  const prefix = flags.prefix ?? shell.env['OPENFAAS_PREFIX'] ?? '';
  const entry = {
    lang: template.name,
    handler: `./${relative(join(file, '..'), folder)}`,
    image: `${prefix === '' ? '' : `${prefix.replace(/\/+$/, '')}/`}${name}:latest`,
    ...template.entry,
  };
  await appendToStack(file, name, entry, () => copyTemplate(template, folder));
  const shown = relative(shell.cwd, file);
  shell.stdout.write(`Made ${relative(shell.cwd, folder)}/ and its entry in ${shown}.\n`);
  shell.stdout.write(`Deploy it with: tinderbox deploy -f ${shown}\n`);
}

/** The file asked for, or the stack file that is there, or a new `stack.yaml`. */
async function stackFileOf(shell: Shell, asked: string | undefined): Promise<string> {
  if (asked !== undefined) return resolve(shell.cwd, asked);
  const { access } = await import('node:fs/promises');
  const old = join(shell.cwd, 'stack.yml');
  const isThere = async (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );
  const fresh = join(shell.cwd, 'stack.yaml');
  return !(await isThere(fresh)) && (await isThere(old)) ? old : fresh;
}
