import type { Command } from 'commander';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { functionData } from './connection/function-data.ts';
import { parseInteger } from './flags/collect.ts';
import { parseAddress } from './flags/function-address.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import type { Shell } from './terminal/shell.ts';

interface ScaleFlags extends ConnectionFlags, StackFlags {
  readonly namespace?: string;
}

export const scaleCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addNamespaceFlag(addConnectionFlags(addStackFlags(command)))
      .argument('<name>', 'function, or NAME.NAMESPACE')
      .argument('<replicas>', 'how many there should be; 0 puts it to sleep', parseInteger('replicas', 0))
      .action((name: string, replicas: number, flags: ScaleFlags) => scaleFunction(shell, name, replicas, flags));
  },
};

async function scaleFunction(shell: Shell, text: string, replicas: number, flags: ScaleFlags): Promise<void> {
  const { name, namespace } = parseAddress(text, flags.namespace);
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  await functionData(client, { name, namespace }, await client.scale.set(name, replicas, namespace));
  const status = await client.functions.get(name, namespace);
  const now = status.ok ? (status.data.replicas ?? 0) : replicas;
  const limited = now === replicas ? '' : `, as near to ${replicas} as its scale.min and scale.max allow`;
  shell.stdout.write(`Scaled ${name} to ${now}${limited}.\n`);
}
