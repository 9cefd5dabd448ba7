import { type Command, Option } from 'commander';
import type { Client } from '../client/client.ts';
import { dataOf } from '../client/result.ts';
import type { TriggerRequest } from '../client/triggers.ts';
import { defaultNamespace } from '../model/names.ts';
import type { DeliveryTexts } from '../model/trigger.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { collectTexts, parseInteger } from './flags/collect.ts';
import { parseAddress } from './flags/function-address.ts';
import { parseHeaders } from './flags/parse-headers.ts';
import { addYamlFlag, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { formatTrigger, triggerListing } from './output/format-trigger.ts';
import { addOutputFlag, formatOf, isData, type OutputFlags, printData, printListing } from './output/output-format.ts';
import type { Shell } from './terminal/shell.ts';

interface TriggerFlags extends ConnectionFlags, StackFlags, OutputFlags {
  readonly namespace?: string;
}

interface CreateFlags extends TriggerFlags, DeliveryTexts {
  readonly function: string;
  readonly method?: string;
  readonly path?: string;
  readonly header?: readonly string[];
  readonly cron?: readonly string[];
  readonly timezone?: string;
  readonly missed?: 'skip' | 'once';
  readonly overlap?: 'allow' | 'skip';
  readonly body?: string;
  readonly subject?: string;
  readonly server?: readonly string[];
  readonly secret?: string;
  readonly queueGroup?: string;
  readonly stream?: string;
  readonly createStream?: boolean;
  readonly durable?: string;
  readonly deliver?: 'all' | 'new' | 'last';
  readonly paused?: boolean;
  readonly replace?: boolean;
}

export const triggerCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    const sub = (name: string, summary: string): Command =>
      addNamespaceFlag(addConnectionFlags(addYamlFlag(command.command(name).description(summary))));

    addCreateFlags(sub('create', 'call a function by the clock or with messages'))
      .argument('<name>', 'trigger')
      .action((name: string, flags: CreateFlags) => createTrigger(shell, name, flags));
    addOutputFlag(sub('list', 'list triggers').aliases(['ls']))
      .argument('[function]', 'only those of this function')
      .action((name: string | undefined, flags: TriggerFlags) => listTriggers(shell, name, flags));
    addOutputFlag(sub('describe', 'show a trigger, its next runs or how its source fares'))
      .argument('<name>', 'trigger')
      .action((name: string, flags: TriggerFlags) => describeTrigger(shell, name, flags));
    for (const [what, summary, done] of [
      ['pause', 'set nothing off until it is resumed', 'Paused'],
      ['resume', 'set a paused trigger going again', 'Resumed'],
      ['delete', 'delete a trigger, with what it made at its broker', 'Deleted'],
    ] as const) {
      const made = sub(what, summary).argument('<name>', 'trigger');
      if (what === 'delete') made.aliases(['remove', 'rm']);
      made.action(async (name: string, flags: TriggerFlags) => {
        dataOf(await (await open(shell, flags)).triggers.act(what, name, namespaceOf(flags)));
        shell.stdout.write(`${done} trigger ${name}.\n`);
      });
    }
  },
};

function addCreateFlags(command: Command): Command {
  const choice = (flag: string, about: string, choices: readonly string[]): Option =>
    new Option(flag, about).choices([...choices]);
  return command
    .requiredOption('--function <name>', 'function that is called')
    .addOption(choice('--method <method>', 'method (POST)', ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']))
    .option('--path <path>', 'path below the function, with query (/)')
    .option('--header <header>', 'header for the function, "Name: value"; several times', collectTexts)
    .option('--cron <expression>', 'cron, @every 90s or @at 2026-12-24T18:00:00Z; several times', collectTexts)
    .option('--timezone <zone>', 'time zone of cron expressions without one (UTC)')
    .addOption(choice('--missed <policy>', 'after a time without a platform: skip or once (skip)', ['skip', 'once']))
    .addOption(choice('--overlap <policy>', 'while the run before goes on: allow or skip (allow)', ['allow', 'skip']))
    .option('--body <text>', 'what the clock sends (nothing)')
    .option('--subject <subject>', 'subject of NATS, with wildcards')
    .option('--server <url>', 'NATS server, nats://HOST:4222; several times (that of the platform)', collectTexts)
    .option('--secret <name>', 'secret with the credentials for that server')
    .option('--queue-group <name>', 'of those with the same one gets each message (made of the trigger)')
    .option('--stream <name>', 'stream of JetStream that keeps the messages')
    .option('--create-stream', 'make the stream when it is not there')
    .option('--durable <name>', 'name of the durable consumer (made of the trigger)')
    .addOption(choice('--deliver <policy>', 'where a new consumer begins (all)', ['all', 'new', 'last']))
    .option('--concurrency <n>', 'messages at once (10)', parseInteger('--concurrency', 1))
    .option('--attempts <n>', 'deliveries until a message is given up (5)', parseInteger('--attempts', 1))
    .option('--min-wait <duration>', 'wait before the second delivery; doubles (1s)')
    .option('--max-wait <duration>', 'longest wait (60s)')
    .option('--response-topic <subject>', 'where answers are published (nowhere)')
    .option('--error-topic <subject>', 'where messages go that were given up (dead letters)')
    .option('--paused', 'make it without setting it going')
    .option('--replace', 'replace the one that is there');
}

async function open(shell: Shell, flags: TriggerFlags): Promise<Client> {
  return await connect(shell, flags, await loadStackGateway(shell, flags));
}

function namespaceOf({ namespace }: TriggerFlags): string {
  return namespace ?? defaultNamespace;
}

async function createTrigger(shell: Shell, name: string, flags: CreateFlags): Promise<void> {
  const { triggers } = await open(shell, flags);
  const trigger = requestFrom(name, flags);
  dataOf(await (flags.replace === true ? triggers.apply(trigger) : triggers.create(trigger)));
  shell.stdout.write(
    `${flags.replace === true ? 'Applied' : 'Created'} trigger ${name} of function ${trigger.function}.\n`,
  );
}

function requestFrom(name: string, flags: CreateFlags): TriggerRequest {
  const { method, path, concurrency, attempts, minWait, maxWait, responseTopic, errorTopic, paused } = flags;
  const { timezone, missed, overlap, body, cron } = flags;
  const { subject, server, secret, queueGroup, stream, createStream, durable, deliver } = flags;
  const address = parseAddress(flags.function, flags.namespace);
  const schedule = given({ expressions: cron, timezone, missed, overlap, body });
  const nats = given({ subject, servers: server, secret, queueGroup, stream, createStream, durable, deliver });
  return {
    name,
    namespace: address.namespace,
    function: address.name,
    ...given({ method, path, concurrency, attempts, minWait, maxWait, responseTopic, errorTopic, paused }),
    ...(flags.header === undefined ? {} : { headers: parseHeaders(flags.header) }),
    ...(Object.keys(schedule).length === 0 ? {} : { schedule }),
    ...(Object.keys(nats).length === 0 ? {} : { nats }),
  };
}

/** Without what is not there. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

async function listTriggers(shell: Shell, name: string | undefined, flags: TriggerFlags): Promise<void> {
  const client = await open(shell, flags);
  const address = name === undefined ? undefined : parseAddress(name, flags.namespace);
  const query =
    address === undefined
      ? { namespace: namespaceOf(flags) }
      : { namespace: address.namespace, function: address.name };
  await printListing(shell, formatOf(flags), triggerListing(dataOf(await client.triggers.list(query))));
}

async function describeTrigger(shell: Shell, name: string, flags: TriggerFlags): Promise<void> {
  const trigger = dataOf(await (await open(shell, flags)).triggers.get(name, namespaceOf(flags)));
  const format = formatOf(flags);
  if (isData(format)) return await printData(shell, format, trigger);
  if (format !== undefined) return await printListing(shell, format, triggerListing([trigger]));
  shell.stdout.write(formatTrigger(trigger));
}
