import type { Command } from 'commander';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addYamlFlag, type StackFlags } from './flags/stack-flags.ts';
import { requireStack } from './stack/load-stack.ts';
import { type PullOptions, pullTemplates } from './templates/pull-templates.ts';
import { addTemplateStore } from './templates/store-command.ts';
import { defaultTemplateRepository, parseTemplateRepository } from './templates/template-source.ts';
import { findTemplateInfo, loadTemplateStore } from './templates/template-store.ts';
import type { Shell } from './terminal/shell.ts';

interface PullFlags extends StackFlags {
  readonly overwrite: boolean;
  readonly debug?: boolean;
}

export const templateCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    const pull = command.command('pull').description('copy the templates of a git repository into ./template');
    addPullFlags(pull)
      .argument('[repository]', 'address or path, with #BRANCH, #TAG or @COMMIT (OPENFAAS_TEMPLATE_URL)')
      .action((repository: string | undefined, flags: PullFlags) => pullRepository(shell, repository, flags));
    addYamlFlag(addPullFlags(pull.command('stack')))
      .description('pull what configuration.templates of the stack file names')
      // `pull` has these flags as well, and commander gives them to it wherever they stand.
      .action((_flags: PullFlags, own: Command) => pullStack(shell, own.optsWithGlobals()));
    addTemplateStore(command.command('store').description('list, describe and pull templates of a store'), shell);
  },
};

function addPullFlags(command: Command): Command {
  return command
    .option('--no-overwrite', 'leave templates that are there as they are, and fail')
    .option('--debug', 'show what git says');
}

async function pullRepository(shell: Shell, text: string | undefined, flags: PullFlags): Promise<void> {
  const configured = shell.env['OPENFAAS_TEMPLATE_URL'] ?? '';
  const address = text ?? (configured === '' ? defaultTemplateRepository : configured);
  await pullAndTell(shell, address, optionsFrom(flags));
}

async function pullStack(shell: Shell, flags: PullFlags): Promise<void> {
  const stack = await requireStack(shell, flags.yaml, flags.envsubst);
  if (stack.templates.length === 0) {
    throw new TinderboxError(
      'invalid',
      `${stack.file} names no templates: configuration.templates is missing or empty`,
    );
  }
  const store = stack.templates.some(({ source }) => source === undefined)
    ? await loadTemplateStore(shell, undefined)
    : [];
  for (const { name, source } of stack.templates) {
    const address = source ?? addressInStore(findTemplateInfo(store, name).repo, name);
    await pullAndTell(shell, address, { ...optionsFrom(flags), name });
  }
}

function addressInStore(repository: string, name: string): string {
  const ref = name.split('@')[1];
  return ref === undefined ? repository : `${repository}#${ref}`;
}

function optionsFrom({ overwrite, debug }: PullFlags): PullOptions {
  return { overwrite, debug: debug === true };
}

async function pullAndTell(shell: Shell, address: string, options: PullOptions): Promise<void> {
  const repository = parseTemplateRepository(address);
  shell.stderr.write(`Fetching templates from ${address}\n`);
  const names = await pullTemplates({ ...shell }, repository, options);
  shell.stdout.write(`Wrote ${names.length} template(s): ${names.join(', ')}\n`);
}
