import type { Command } from 'commander';
import { dataOf } from '../client/result.ts';
import { assertName } from '../model/names.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, connect, type ConnectionFlags } from './connection/connect.ts';
import { collectPairs } from './flags/collect.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { alignCells } from './output/align-cells.ts';
import { addOutputFlag, formatOf, isData, type OutputFlags, printData, printListing } from './output/output-format.ts';
import type { Shell } from './terminal/shell.ts';

interface NamespaceFlags extends ConnectionFlags, StackFlags, OutputFlags {
  readonly label?: Readonly<Record<string, string>>;
  readonly annotation?: Readonly<Record<string, string>>;
}

export const namespaceCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    const sub = (name: string, summary: string, ...aliases: string[]): Command => {
      const made = command.command(name, { isDefault: name === 'list' });
      return addConnectionFlags(addStackFlags(made.description(summary).aliases(aliases)));
    };

    const withMarks = (made: Command): Command =>
      made
        .argument('<name>', 'namespace')
        .option('-l, --label <key=value>', 'label; may be repeated', collectPairs)
        .option('--annotation <key=value>', 'annotation; may be repeated', collectPairs);

    withMarks(sub('create', 'create a namespace')).action((name: string, flags: NamespaceFlags) =>
      createNamespace(shell, name, flags),
    );
    withMarks(sub('update', 'replace labels and annotations of a namespace')).action(
      (name: string, flags: NamespaceFlags) => updateNamespace(shell, name, flags),
    );
    addOutputFlag(sub('get', 'show a namespace'))
      .argument('<name>', 'namespace')
      .action((name: string, flags: NamespaceFlags) => getNamespace(shell, name, flags));
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

async function updateNamespace(shell: Shell, name: string, flags: NamespaceFlags): Promise<void> {
  assertName('namespace', name);
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  dataOf(await client.namespaces.update({ name, labels: { ...flags.label }, annotations: { ...flags.annotation } }));
  shell.stdout.write(`Updated namespace ${name}.\n`);
}

async function getNamespace(shell: Shell, name: string, flags: NamespaceFlags): Promise<void> {
  assertName('namespace', name);
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const found = dataOf(await client.namespaces.get(name));
  const format = formatOf(flags);
  if (isData(format)) return printData(shell, format, found);
  const block = (label: string, map: Readonly<Record<string, string>> = {}): readonly string[] =>
    Object.keys(map).length === 0
      ? [`${label}:\t<none>`]
      : [`${label}:`, ...Object.entries(map).map(([key, value]) => `\t ${key}: ${value}`)];
  const lines = [`Name:\t${found.name}`, ...block('Labels', found.labels), ...block('Annotations', found.annotations)];
  shell.stdout.write(format === 'name' ? `${found.name}\n` : alignCells(lines));
}

async function listNamespaces(shell: Shell, flags: NamespaceFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const rows = dataOf(await client.namespaces.list());
  await printListing(shell, formatOf(flags), {
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
