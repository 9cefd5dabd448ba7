import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Client } from '../client/client.ts';
import { dataOf } from '../client/result.ts';
import { TinderboxError } from '../model/errors.ts';
import type { InvocationStatus } from '../model/invocation-status.ts';
import { formatFunctionKey } from '../model/names.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { parseAddress } from './flags/function-address.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { formatAge } from './output/format-age.ts';
import { addOutputFlag, formatOf, type OutputFlags, printListing } from './output/output-format.ts';
import { showControls } from './output/printable-text.ts';
import type { Shell } from './terminal/shell.ts';

interface CallFlags extends ConnectionFlags, StackFlags {
  readonly namespace?: string;
}

interface ListFlags extends CallFlags, OutputFlags {
  readonly state?: string;
  readonly limit?: string;
}

export const invocationsCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    const sub = (name: string, summary: string): Command =>
      addConnectionFlags(addStackFlags(command.command(name).description(summary)));

    addOutputFlag(addNamespaceFlag(sub('list', 'list stored calls, the newest first').aliases(['ls'])))
      .argument('[function]', 'only those of this function')
      .option('--state <states>', 'only these, separated by commas: queued, delayed, running, done, dead, canceled')
      .option('--limit <n>', 'how many, at most 1000', '100')
      .action((name: string | undefined, flags: ListFlags) => listCalls(shell, name, flags));
    addOutputFlag(addNamespaceFlag(sub('dead-letters', 'list calls that were given up')))
      .argument('[function]', 'only those of this function')
      .option('--limit <n>', 'how many, at most 1000', '100')
      .action((name: string | undefined, flags: ListFlags) => listCalls(shell, name, { ...flags, state: 'dead' }));
    addOutputFlag(sub('show', 'show what became of a stored call'))
      .argument('<id>', 'X-Call-Id of the call')
      .action((id: string, flags: ListFlags) => showCall(shell, id, flags));
    sub('wait', 'wait until a stored call is over; exits with 1 when it was given up or cancelled')
      .argument('<id>', 'X-Call-Id of the call')
      .action((id: string, flags: CallFlags) => waitForCall(shell, id, flags));
    sub('cancel', 'remove a call that waits, or stop one that runs')
      .argument('<id>', 'X-Call-Id of the call')
      .action((id: string, flags: CallFlags) => act(shell, flags, `Cancelled call ${id}.`, (one) => one.cancel(id)));
    sub('replay', 'make a dead letter a call again')
      .argument('<id>', 'X-Call-Id of the call')
      .action((id: string, flags: CallFlags) =>
        act(shell, flags, `Call ${id} is tried again.`, (one) => one.replay(id)),
      );
    addOutputFlag(sub('queues', 'list what is stored and runs of each function, by queue')).action((flags: ListFlags) =>
      listQueues(shell, flags),
    );
    addNamespaceFlag(sub('purge', 'remove the dead letters of a function'))
      .argument('<function>', 'function')
      .action((name: string, flags: CallFlags) => purge(shell, name, flags));
  },
};

async function open(shell: Shell, flags: CallFlags): Promise<Client> {
  return await connect(shell, flags, await loadStackGateway(shell, flags));
}

async function act(
  shell: Shell,
  flags: CallFlags,
  done: string,
  run: (invocations: Client['invocations']) => ReturnType<Client['invocations']['cancel']>,
): Promise<void> {
  dataOf(await run((await open(shell, flags)).invocations));
  shell.stdout.write(`${done}\n`);
}

async function purge(shell: Shell, name: string, flags: CallFlags): Promise<void> {
  const client = await open(shell, flags);
  const { purged } = dataOf(await client.invocations.purge(keyOf(name, flags)));
  shell.stdout.write(`Removed ${purged} dead letter${purged === 1 ? '' : 's'} of ${name}.\n`);
}

async function listCalls(shell: Shell, name: string | undefined, flags: ListFlags): Promise<void> {
  const client = await open(shell, flags);
  const { state, limit } = flags;
  const query = {
    ...(name === undefined ? {} : { function: keyOf(name, flags) }),
    ...(state === undefined ? {} : { state }),
    ...(limit === undefined ? {} : { limit }),
  };
  await print(shell, flags, dataOf(await client.invocations.list(query)));
}

async function showCall(shell: Shell, id: string, flags: ListFlags): Promise<void> {
  const { invocations } = await open(shell, flags);
  const call = dataOf(await invocations.get(id));
  if (formatOf(flags) !== undefined) return await print(shell, flags, [call]);
  const lines = Object.entries(call)
    .filter(([field]) => field !== 'response' && field !== 'truncated')
    .map(([field, value]) => `${`${field}:`.padEnd(12)}${field === 'durationMs' ? Number(value).toFixed(1) : value}`);
  if (call.response !== undefined && call.response !== '') {
    lines.push('response:', ...call.response.split('\n').map(showControls));
    if (call.truncated === true) lines.push('(only its beginning is kept)');
  }
  const written = call.started === undefined ? [] : dataOf(await invocations.logs(id));
  if (written.length > 0) lines.push('logs:');
  for (const { timestamp, text } of written) lines.push(`${timestamp} ${showControls(text)}`);
  shell.stdout.write(`${lines.join('\n')}\n`);
}

async function listQueues(shell: Shell, flags: ListFlags): Promise<void> {
  const rows = dataOf(await (await open(shell, flags)).invocations.depth());
  await printListing(shell, formatOf(flags), {
    rows: rows.toSorted((a, b) => a.queue.localeCompare(b.queue)),
    name: (row) => row.function,
    columns: [
      { title: 'Queue', value: (row) => row.queue },
      { title: 'Function', value: (row) => row.function },
      { title: 'Stored', value: (row) => String(row.jobs) },
      { title: 'Bytes', value: (row) => String(row.bytes) },
      { title: 'Running', value: (row) => String(row.running) },
      { title: 'At once', value: (row) => String(row.limit) },
    ],
    wide: [],
  });
}

/** Asked again after this time, and after twice as long each time up to the most. */
const [firstWaitMs, mostWaitMs] = [50, 2000];

async function waitForCall(shell: Shell, id: string, flags: CallFlags): Promise<void> {
  const client = await open(shell, flags);
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, mostWaitMs)) {
    const call = dataOf(await client.invocations.get(id));
    if (call.state === 'done') {
      shell.stdout.write(`Call ${id} is done with status ${call.status ?? 0}.\n`);
      return;
    }
    if (call.state === 'dead' || call.state === 'canceled') {
      throw new TinderboxError(
        'bad-reply',
        `call ${id} is ${call.state}${call.reason === undefined ? '' : `: ${call.reason}`}`,
      );
    }
    await sleep(waitMs, undefined, { signal: shell.signal });
  }
}

async function print(shell: Shell, flags: OutputFlags, rows: readonly InvocationStatus[]): Promise<void> {
  await printListing(shell, formatOf(flags), {
    rows,
    name: (row) => row.id,
    columns: [
      { title: 'Id', value: (row) => row.id },
      { title: 'Function', value: (row) => row.function },
      { title: 'State', value: (row) => row.state },
      { title: 'Status', value: (row) => String(row.status ?? '-') },
      { title: 'Attempts', value: (row) => String(row.attempts) },
      { title: 'Age', value: (row) => formatAge(Date.now() - Date.parse(row.created)) },
    ],
    wide: [
      { title: 'Due', value: (row) => row.due ?? '-' },
      { title: 'Finished', value: (row) => row.finished ?? '-' },
      { title: 'Reason', value: (row) => row.reason ?? '-' },
    ],
  });
}

function keyOf(text: string, { namespace }: CallFlags): string {
  const address = parseAddress(text, namespace);
  return formatFunctionKey(address.namespace, address.name);
}
