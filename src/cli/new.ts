import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { TinderboxError } from '../model/errors.ts';
import { assertName } from '../model/names.ts';
import { parseCpu, parseMemory } from '../model/quantity.ts';
import type { CommandDefinition } from './command-definition.ts';
import { resolveGateway } from './connection/gateway.ts';
import { addResourceFlags, type ResourceFlags } from './rollout/deploy-flags.ts';
import { appendToStack } from './scaffold/append-to-stack.ts';
import { obtainTemplate } from './scaffold/obtain-template.ts';
import { copyTemplate, listTemplates } from './scaffold/templates.ts';
import { updateGitignore } from './scaffold/update-gitignore.ts';
import { listLocalTemplates } from './templates/local-template.ts';
import type { Shell } from './terminal/shell.ts';

interface NewFlags extends ResourceFlags {
  readonly lang?: string;
  readonly prefix?: string;
  readonly handler?: string;
  readonly append?: string;
  readonly yaml?: string;
  readonly gateway?: string;
  readonly list?: boolean;
  readonly quiet?: boolean;
}

export const newCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addResourceFlags(command)
      .argument('[name]', 'name of the function and of its folder')
      .option('--lang <language>', 'language of the template')
      .option('-p, --prefix <prefix>', 'put before the image name, such as a registry (OPENFAAS_PREFIX)')
      .option('--handler <folder>', 'folder for the source (NAME)')
      .option('-a, --append <file>', 'stack file to add the function to (stack.yaml)')
      .option('-f, --yaml <file>', 'the same as --append')
      .option('-g, --gateway <url>', 'address of the platform, for a stack file that is made (OPENFAAS_URL)')
      .option('--list', 'list the templates')
      .option('-q, --quiet', "do not show the template's notes")
      .action((name: string | undefined, flags: NewFlags) => makeFunction(shell, name, flags));
  },
};

async function makeFunction(shell: Shell, name: string | undefined, flags: NewFlags): Promise<void> {
  if (flags.list === true) return showTemplates(shell);
  if (name === undefined || flags.lang === undefined) {
    throw new TinderboxError('invalid', name === undefined ? 'no name given' : 'no language given', {
      hint: 'tinderbox new NAME --lang node; tinderbox new --list shows the languages',
    });
  }
  assertName('function', name);
  const amounts = { ...amountsOf(flags, 'limits'), ...amountsOf(flags, 'requests') };
  const template = await obtainTemplate(shell, flags.lang);
  const folder = resolve(shell.cwd, flags.handler ?? name);
  const file = await stackFileOf(shell, flags.append ?? flags.yaml);
  const prefix = flags.prefix ?? shell.env['OPENFAAS_PREFIX'] ?? '';
  const entry = {
    lang: template.name,
    handler: `./${relative(join(file, '..'), folder)}`,
    image: `${prefix === '' ? '' : `${prefix.replace(/\/+$/, '')}/`}${name}:0.1.0`,
    ...template.entry,
    ...amounts,
  };
  const gateway = resolveGateway({ flag: flags.gateway, env: shell.env['OPENFAAS_URL'] });
  await appendToStack(file, name, entry, () => copyTemplate(template, folder), gateway);
  await updateGitignore(join(file, '..'));
  const shown = relative(shell.cwd, file);
  shell.stdout.write(`Made ${relative(shell.cwd, folder)}/ and its entry in ${shown}.\n`);
  shell.stdout.write(`Deploy it with: tinderbox deploy -f ${shown}\n`);
  if (template.welcomeMessage !== undefined && flags.quiet !== true) {
    shell.stdout.write(`\nNotes:\n${template.welcomeMessage}\n`);
  }
}

/** Those of the project first: they outrank the ones that come along. */
async function showTemplates(shell: Shell): Promise<void> {
  const own = await listLocalTemplates(shell.cwd);
  const names = [...own, ...(await listTemplates()).filter((name) => !own.includes(name))];
  shell.stdout.write(names.map((name) => `${name}\n`).join(''));
}

function amountsOf(flags: NewFlags, kind: 'limits' | 'requests'): Record<string, object> {
  const [memory, cpu] =
    kind === 'limits' ? [flags.memoryLimit, flags.cpuLimit] : [flags.memoryRequest, flags.cpuRequest];
  if (memory !== undefined) parseMemory(memory, `${kind}.memory`);
  if (cpu !== undefined) parseCpu(cpu, `${kind}.cpu`);
  if (memory === undefined && cpu === undefined) return {};
  return { [kind]: { ...(memory === undefined ? {} : { memory }), ...(cpu === undefined ? {} : { cpu }) } };
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
