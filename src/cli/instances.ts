import type { Command } from 'commander';
import { dataOf } from '../client/result.ts';
import type { Instance } from '../model/instance.ts';
import { formatOutcome } from '../model/outcome.ts';
import { summaryLine } from '../model/summary-line.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { parseAddress } from './flags/function-address.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { formatAge } from './output/format-age.ts';
import { addOutputFlag, formatOf, type OutputFlags, printListing } from './output/output-format.ts';
import type { Shell } from './terminal/shell.ts';

interface InstancesFlags extends ConnectionFlags, StackFlags, OutputFlags {
  readonly namespace?: string;
}

export const instancesCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addOutputFlag(addNamespaceFlag(addConnectionFlags(addStackFlags(command))))
      .argument('[name]', 'only those of this function')
      .action((name: string | undefined, flags: InstancesFlags) => listInstances(shell, name, flags));
  },
};

async function listInstances(shell: Shell, name: string | undefined, flags: InstancesFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const rows = dataOf(await client.instances.list(filterOf(name, flags.namespace)));
  await printListing(shell, formatOf(flags), {
    rows,
    name: (row) => row.id,
    columns: [
      { title: 'Instance', value: (row) => row.id },
      { title: 'Revision', value: (row) => row.revision },
      { title: 'State', value: (row) => row.state },
      { title: 'PID', value: (row) => String(row.pid ?? '-') },
      { title: 'Age', value: (row) => formatAge(Date.now() - row.startedAtMs) },
    ],
    wide: [
      { title: 'Concurrency', value: (row) => String(row.concurrency) },
      { title: 'Pooled', value: (row) => (row.pooled ? 'yes' : 'no') },
      { title: 'Reason', value: reasonOf },
    ],
  });
}

function filterOf(name: string | undefined, namespace: string | undefined): { function?: string; namespace?: string } {
  if (name === undefined) return namespace === undefined ? {} : { namespace };
  const address = parseAddress(name, namespace);
  return { function: address.name, namespace: address.namespace };
}

/** One line: `describe` and `-o json` have all of it. */
function reasonOf(instance: Instance): string {
  return summaryLine(instance.reason ?? (instance.outcome === undefined ? '' : formatOutcome(instance.outcome)));
}
