import type { Command } from 'commander';
import type { Client } from '../client/client.ts';
import { dataOf } from '../client/result.ts';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { unknownFunctionHint } from './connection/function-data.ts';
import { type FunctionAddress, formatAddress, parseAddress } from './flags/function-address.ts';
import { addStackFlags, loadSelection, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import type { Shell } from './terminal/shell.ts';

interface RemoveFlags extends ConnectionFlags, StackFlags {
  readonly namespace?: string;
}

export const removeCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addNamespaceFlag(addConnectionFlags(addStackFlags(command)))
      .argument('[names...]', 'functions; without any: those of the stack file')
      .action((names: readonly string[], flags: RemoveFlags) => removeFunctions(shell, names, flags));
  },
};

async function removeFunctions(shell: Shell, names: readonly string[], flags: RemoveFlags): Promise<void> {
  const { gateway, addresses } = await findTargets(shell, names, flags);
  const client = await connect(shell, flags, gateway);
  const failures: TinderboxError[] = [];
  for (const address of addresses) await removeOne(shell, client, address).catch((error) => failures.push(error));
  const [first] = failures;
  if (first === undefined) return;
  if (failures.length === 1) throw first;
  throw new TinderboxError(first.code, failures.map((error) => error.message).join('\n'));
}

async function findTargets(
  shell: Shell,
  names: readonly string[],
  flags: RemoveFlags,
): Promise<{ gateway: string | undefined; addresses: readonly FunctionAddress[] }> {
  if (names.length > 0) {
    return {
      addresses: names.map((name) => parseAddress(name, flags.namespace)),
      gateway: await loadStackGateway(shell, flags),
    };
  }
  const { stack, functions } = await loadSelection(shell, flags);
  return {
    addresses: functions.map((fn) => parseAddress(fn.name, flags.namespace ?? fn.namespace)),
    gateway: stack.gateway,
  };
}

async function removeOne(shell: Shell, client: Client, address: FunctionAddress): Promise<void> {
  const { name, namespace } = address;
  const removed = await client.functions.remove(name, namespace);
  if (!removed.ok && removed.error.code === 'not-found') {
    const hint = (await unknownFunctionHint(client, address)) ?? 'tinderbox list shows what there is';
    throw new TinderboxError('not-found', `there is no function ${name} in namespace ${namespace}`, { hint });
  }
  dataOf(removed);
  shell.stdout.write(`Removed ${formatAddress(address)}.\n`);
}
