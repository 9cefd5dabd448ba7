import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Client } from '../client/client.ts';
import type { FunctionStatus } from '../client/functions.ts';
import { dataOf } from '../client/result.ts';
import { defaultNamespace } from '../model/names.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { parseDuration } from './flags/collect.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { addOutputFlag, formatOf, type OutputFlags, printListing } from './output/output-format.ts';
import type { Shell } from './terminal/shell.ts';
import { rankByUse, type UseRow, useRows } from './top/use-rows.ts';

interface TopFlags extends ConnectionFlags, StackFlags, OutputFlags {
  readonly namespace?: string;
  readonly interval: number;
  readonly once?: boolean;
}

export const topCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addOutputFlag(addNamespaceFlag(addConnectionFlags(addStackFlags(command))))
      .option('--interval <duration>', 'time between two looks', parseDuration('--interval'), 2000)
      .option('--once', 'look twice, one interval apart, print once and end')
      .action((flags: TopFlags) => top(shell, flags));
  },
};

/** Rates need two looks, so the first list is printed one interval after the start. */
async function top(shell: Shell, flags: TopFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  let before = await look(client, flags.namespace);
  for (;;) {
    await delay(flags.interval, undefined, { signal: shell.signal });
    const now = await look(client, flags.namespace);
    // On a terminal each list takes the place of the one before it.
    if (shell.stdout.isTTY === true && flags.once !== true) shell.stdout.write('\x1b[H\x1b[2J');
    await print(shell, flags, rankByUse(useRows(before, now)));
    if (flags.once === true) return;
    before = now;
  }
}

async function look(client: Client, namespace: string | undefined) {
  const listed = dataOf(await client.functions.list(namespace));
  const functions = await Promise.all(listed.map(async (fn) => withUsage(client, fn)));
  return { atMs: performance.now(), functions };
}

/** Only one function at a time is told with its usage; one that just went is shown without. */
async function withUsage(client: Client, fn: FunctionStatus): Promise<FunctionStatus> {
  if ((fn.availableReplicas ?? 0) === 0) return fn;
  const found = await client.functions.get(fn.name, fn.namespace ?? defaultNamespace);
  return found.ok && found.data.usage !== undefined ? { ...fn, usage: found.data.usage } : fn;
}

async function print(shell: Shell, flags: TopFlags, rows: readonly UseRow[]): Promise<void> {
  await printListing(shell, formatOf(flags), {
    rows,
    name: (row) => row.name,
    columns: [
      { title: 'Function', value: (row) => row.name },
      { title: 'Replicas', value: (row) => `${row.ready}/${row.replicas}` },
      { title: 'CPU', value: (row) => (row.cpuMillis === undefined ? '-' : `${Math.round(row.cpuMillis)}m`) },
      {
        title: 'Memory',
        value: (row) => (row.memoryBytes === undefined ? '-' : `${(row.memoryBytes / 2 ** 20).toFixed(1)}Mi`),
      },
      { title: 'Calls/s', value: (row) => row.callsPerSecond.toFixed(1) },
      { title: 'Invocations', value: (row) => String(row.invocations) },
    ],
    wide: [{ title: 'Namespace', value: (row) => row.namespace }],
  });
}
