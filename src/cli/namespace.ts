import type { Command } from 'commander';
import { dataOf } from '../client/result.ts';
import { assertName } from '../model/names.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, connect, type ConnectionFlags } from './connection/connect.ts';
import { collectPairs } from './flags/collect.ts';
import { addYamlFlag, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { addOutputFlag, type OutputFormat, printListing } from './output/output-format.ts';
import type { Shell } from './terminal/shell.ts';

interface NamespaceFlags extends ConnectionFlags, StackFlags {
  readonly label?: Readonly<Record<string, string>>;
  readonly annotation?: Readonly<Record<string, string>>;
  readonly output?: OutputFormat;
}

export const namespaceCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    const sub = (name: string, summary: string, ...aliases: string[]): Command =>
      addConnectionFlags(addYamlFlag(command.command(name).description(summary).aliases(aliases)));

    sub('create', 'create a namespace')
      .argument('<name>', 'namespace')
      .option('-l, --label <key=value>', 'label; may be repeated', collectPairs)
      .option('--annotation <key=value>', 'annotation; may be repeated', collectPairs)
      .action((name: string, flags: NamespaceFlags) => createNamespace(shell, name, flags));
    addOutputFlag(sub('list', 'list namespaces', 'ls')).action((flags: NamespaceFlags) => listNamespaces(shell, flags));
    sub('remove', 'remove a namespace', 'rm', 'delete')
      .argument('<name>', 'namespace')
      .action((name: string, flags: NamespaceFlags) => removeNamespace(shell, name, flags));
  },
};

async function createNamespace(shell: Shell, name: string, flags: NamespaceFlags): Promise<void> {
  assertName('namespace', name);
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  dataOf(await client.namespaces.create({ name, labels: { ...flags.label }, annotations: { ...flags.annotation } }));
  shell.stdout.write(`Created namespace ${name}.\n`);
}

async function listNamespaces(shell: Shell, flags: NamespaceFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const rows = dataOf(await client.namespaces.list());
  await printListing(shell, flags.output, {
    rows,
    name: (row) => row,
    columns: [{ title: 'Namespace', value: (row) => row }],
  });
}

async function removeNamespace(shell: Shell, name: string, flags: NamespaceFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  dataOf(await client.namespaces.remove(name));
  shell.stdout.write(`Removed namespace ${name}.\n`);
}
