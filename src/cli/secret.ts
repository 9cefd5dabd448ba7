import type { Command } from 'commander';
import { dataOf } from '../client/result.ts';
import { assertSecretName, defaultNamespace } from '../model/names.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { readSecretValue, type SecretValueFlags } from './flags/secret-value.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { addOutputFlag, formatOf, type OutputFlags, printListing } from './output/output-format.ts';
import { applySecrets } from './secrets/apply-secrets.ts';
import { addSealingCommands } from './secrets/sealing.ts';
import type { Shell } from './terminal/shell.ts';

interface SecretFlags extends ConnectionFlags, StackFlags {
  readonly namespace?: string;
}

interface WriteFlags extends SecretFlags, SecretValueFlags {
  readonly replace?: boolean;
}

export const secretCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    const sub = (name: string, summary: string, ...aliases: string[]): Command =>
      addNamespaceFlag(addConnectionFlags(addStackFlags(command.command(name).description(summary).aliases(aliases))));

    addValueFlags(sub('create', 'create a secret from a literal, a file or stdin').argument('<name>', 'secret'))
      .option('--replace', 'update it if it exists')
      .action((name: string, flags: WriteFlags) => writeSecret(shell, 'create', name, flags));
    addValueFlags(sub('update', 'give a secret a new value', 'u').argument('<name>', 'secret')).action(
      (name: string, flags: WriteFlags) => writeSecret(shell, 'update', name, flags),
    );
    addOutputFlag(sub('list', 'list secrets; values are never shown', 'ls')).action(
      (flags: SecretFlags & OutputFlags) => listSecrets(shell, flags),
    );
    sub('remove', 'remove a secret', 'rm', 'delete')
      .argument('<name>', 'secret')
      .action((name: string, flags: SecretFlags) => removeSecret(shell, name, flags));
    addConnectionFlags(addStackFlags(command.command('rotate-key')))
      .description('encrypt all secrets with a new key and forget the older ones')
      .action((flags: SecretFlags) => rotateKey(shell, flags));
    sub('apply', 'create or update a secret for every file in .secrets')
      .option('--no-trim', 'keep white space around the values')
      .action((flags: SecretFlags & { trim: boolean }) => apply(shell, flags));
    addSealingCommands(command, shell);
  },
};

function addValueFlags(command: Command): Command {
  return command
    .option('--from-literal <value>', 'the value; other users of the machine can see it in the process list')
    .option('--from-file <file>', 'file with the value')
    .option('--no-trim', 'keep white space around the value');
}

async function writeSecret(shell: Shell, verb: 'create' | 'update', name: string, flags: WriteFlags): Promise<void> {
  assertSecretName(name);
  const value = await readSecretValue(shell, flags);
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const secret = { name, namespace: flags.namespace ?? defaultNamespace };
  const written = await client.secrets[verb](secret, value);
  if (!written.ok && written.error.code === 'conflict' && flags.replace === true) {
    dataOf(await client.secrets.update(secret, value));
    shell.stdout.write(`Updated secret ${name}.\n`);
    return;
  }
  dataOf(written);
  shell.stdout.write(`${verb === 'create' ? 'Created' : 'Updated'} secret ${name}.\n`);
}

async function listSecrets(shell: Shell, flags: SecretFlags & OutputFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const rows = dataOf(await client.secrets.list(flags.namespace));
  await printListing(shell, formatOf(flags), {
    rows,
    name: (row) => row.name,
    columns: [{ title: 'Name', value: (row) => row.name }],
    wide: [{ title: 'Namespace', value: (row) => row.namespace ?? '' }],
  });
}

async function removeSecret(shell: Shell, name: string, flags: SecretFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  dataOf(await client.secrets.remove({ name, namespace: flags.namespace ?? defaultNamespace }));
  shell.stdout.write(`Removed secret ${name}.\n`);
}

async function apply(shell: Shell, flags: SecretFlags & { trim: boolean }): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  await applySecrets(shell, client, flags.namespace ?? defaultNamespace, flags.trim);
}

async function rotateKey(shell: Shell, flags: SecretFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const { key } = dataOf(await client.secrets.rotateKey());
  shell.stdout.write(`All secrets are encrypted with the new key ${key}.\n`);
}
