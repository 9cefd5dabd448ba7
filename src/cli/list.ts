import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Client } from '../client/client.ts';
import type { FunctionStatus } from '../client/functions.ts';
import { dataOf } from '../client/result.ts';
import { TinderboxError } from '../model/errors.ts';
import { defaultNamespace } from '../model/names.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { functionUrl } from './flags/function-address.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { type FunctionListFormat, plainFunctionList, verboseFunctionList } from './output/format-function-list.ts';
import { addOutputFlag, formatOf, type OutputFlags, printListing } from './output/output-format.ts';
import type { Shell } from './terminal/shell.ts';

interface ListFlags extends ConnectionFlags, StackFlags, OutputFlags {
  readonly namespace?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly watch?: boolean;
  readonly sort: keyof typeof orders;
}

const watchIntervalMs = 500;

export const listCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addOutputFlag(addNamespaceFlag(addConnectionFlags(addStackFlags(command))))
      .option('-q, --quiet', 'names only, as -o name')
      .option('-v, --verbose', 'with image and time of creation')
      .option('-w, --watch', 'go on with what changes until Ctrl-C')
      .option('--sort <by>', 'name, invocations or creation', parseOrder, 'name' as const)
      .action((flags: ListFlags) => listFunctions(shell, flags));
  },
};

async function listFunctions(shell: Shell, flags: ListFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  if (flags.watch === true) return watchFunctions(shell, client, flags);
  const rows = await sortedList(client, flags);
  const format = formatOf(flags) ?? (flags.quiet === true ? 'name' : undefined);
  if (format === undefined || format === 'table') {
    const lines = listFormat(flags, rows);
    shell.stdout.write([lines.header, ...rows.map((fn) => lines.line(fn))].map((line) => `${line}\n`).join(''));
    return;
  }
  await printListing(shell, format, {
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

/** The list once, then a line for each function that is new or looks different, and one for each that is gone. */
async function watchFunctions(shell: Shell, client: Client, flags: ListFlags): Promise<void> {
  if (formatOf(flags) !== undefined || flags.quiet === true) {
    throw new TinderboxError(
      'invalid',
      '--watch prints the plain list: it goes with neither --output, --json nor --quiet',
    );
  }
  let shown = new Map<string, string>();
  for (let first = true; ; first = false) {
    const rows = await sortedList(client, flags);
    const lines = listFormat(flags, rows);
    const now = new Map(rows.map((row) => [row.name, lines.line(row)]));
    const changed = [...now].filter(([name, line]) => shown.get(name) !== line).map(([, line]) => line);
    const gone = [...shown.keys()].filter((name) => !now.has(name)).map((name) => `${name.padEnd(30)}\tremoved`);
    for (const line of [...(first ? [lines.header] : []), ...changed, ...gone]) shell.stdout.write(`${line}\n`);
    shown = now;
    await delay(watchIntervalMs, undefined, { signal: shell.signal });
  }
}

function listFormat(flags: ListFlags, rows: readonly FunctionStatus[]): FunctionListFormat {
  return flags.verbose === true ? verboseFunctionList(rows) : plainFunctionList;
}

async function sortedList(client: Client, flags: ListFlags): Promise<readonly FunctionStatus[]> {
  return [...dataOf(await client.functions.list(flags.namespace))].sort(orders[flags.sort]);
}

const byName = (a: FunctionStatus, b: FunctionStatus): number => a.name.localeCompare(b.name, 'en');

const orders = {
  name: byName,
  invocations: (a: FunctionStatus, b: FunctionStatus) =>
    (b.invocationCount ?? 0) - (a.invocationCount ?? 0) || byName(a, b),
  creation: (a: FunctionStatus, b: FunctionStatus) =>
    (a.createdAt ?? '').localeCompare(b.createdAt ?? '', 'en') || byName(a, b),
};

function parseOrder(text: string): keyof typeof orders {
  if (Object.hasOwn(orders, text)) return text as keyof typeof orders;
  throw new TinderboxError('invalid', `--sort "${text}" is not one of ${Object.keys(orders).join(', ')}`);
}
