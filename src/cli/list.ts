import type { Command } from 'commander';
import type { FunctionStatus } from '../client/functions.ts';
import { dataOf } from '../client/result.ts';
import { defaultNamespace } from '../model/names.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { functionUrl } from './flags/function-address.ts';
import { addYamlFlag, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { addOutputFlag, type OutputFormat, printListing } from './output/output-format.ts';
import type { Shell } from './terminal/shell.ts';

interface ListFlags extends ConnectionFlags, StackFlags {
  readonly namespace?: string;
  readonly output?: OutputFormat;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly sort: 'name' | 'invocations';
}

export const listCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addOutputFlag(addNamespaceFlag(addConnectionFlags(addYamlFlag(command))))
      .option('-q, --quiet', 'names only, as -o name')
      .option('-v, --verbose', 'more columns, as -o wide')
      .option('--sort <by>', 'name or invocations', 'name')
      .action((flags: ListFlags) => listFunctions(shell, flags));
  },
};

async function listFunctions(shell: Shell, flags: ListFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const rows = [...dataOf(await client.functions.list(flags.namespace))].sort(orderBy(flags.sort));
  await printListing(shell, formatOf(flags), {
    rows,
    name: (row) => row.name,
    columns: [
      { title: 'Function', value: (row) => row.name },
      { title: 'Invocations', value: (row) => String(row.invocationCount ?? 0) },
      { title: 'Replicas', value: (row) => String(row.replicas ?? 0) },
    ],
    wide: [
      { title: 'Ready', value: (row) => String(row.availableReplicas ?? 0) },
      { title: 'Image', value: (row) => row.image },
      { title: 'Created', value: (row) => row.createdAt ?? '' },
      { title: 'URL', value: (row) => functionUrl(client.gateway, { namespace: defaultNamespace, ...row }) },
    ],
  });
}

function formatOf(flags: ListFlags): OutputFormat | undefined {
  if (flags.output !== undefined) return flags.output;
  if (flags.quiet === true) return 'name';
  return flags.verbose === true ? 'wide' : undefined;
}

function orderBy(sort: ListFlags['sort']): (a: FunctionStatus, b: FunctionStatus) => number {
  const byName = (a: FunctionStatus, b: FunctionStatus): number => a.name.localeCompare(b.name, 'en');
  if (sort === 'name') return byName;
  return (a, b) => (b.invocationCount ?? 0) - (a.invocationCount ?? 0) || byName(a, b);
}
