import { type Command, Option } from 'commander';
import { parseDurationMs } from '../model/duration.ts';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { functionData } from './connection/function-data.ts';
import { parseAddress } from './flags/function-address.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { formatLogLine, type LogFormat } from './output/format-log-line.ts';
import { resolveTimeLayout } from './output/go-time.ts';
import { writeText } from './terminal/write-text.ts';
import type { Shell } from './terminal/shell.ts';

interface LogsFlags extends ConnectionFlags, StackFlags {
  readonly namespace?: string;
  readonly follow?: boolean;
  readonly tail?: boolean;
  readonly lines: number;
  readonly since?: string;
  readonly sinceTime?: string;
  readonly instanceId?: string;
  readonly instance?: boolean;
  readonly name?: boolean;
  readonly timeFormat?: string;
  readonly output: LogFormat;
  readonly json?: boolean;
}

export const logsCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addNamespaceFlag(addConnectionFlags(addStackFlags(command)))
      .argument('<name>', 'function, or NAME.NAMESPACE')
      .option('-t, --tail', 'go on with new lines until Ctrl-C')
      .option('--follow', 'the same as --tail')
      .option('--lines <count>', 'only the last lines; -1: all', parseLines, -1)
      .option('--since <time>', 'only lines of the last 5m, 1h, …, or since an RFC 3339 time')
      .option('--since-time <time>', 'only lines since an RFC 3339 time')
      .option('--instance-id <id>', 'only lines of this instance')
      .option('--name', 'show the name of the function in each line')
      .option('--instance', 'show the instance in each line')
      .option('--time-format <layout>', 'layout of the time as in Go, or its name such as RFC1123; empty: none')
      .addOption(
        new Option('-o, --output <format>', 'plain, keyvalue or json')
          .choices(['plain', 'keyvalue', 'json'])
          .default('plain'),
      )
      .option('-j, --json', 'the same as -o json')
      .action((name: string, flags: LogsFlags) => showLogs(shell, name, flags));
  },
};

async function showLogs(shell: Shell, text: string, flags: LogsFlags): Promise<void> {
  const since = sinceOf(flags);
  const address = parseAddress(text, flags.namespace);
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const lines = await client.logs.read({
    ...address,
    follow: flags.follow === true || flags.tail === true,
    ...(flags.lines <= 0 ? {} : { tail: flags.lines }),
    ...(since === undefined ? {} : { since }),
    ...(flags.instanceId === undefined ? {} : { instance: flags.instanceId }),
  });
  const format = flags.json === true ? 'json' : flags.output;
  const options = {
    name: flags.name === true,
    instance: flags.instance === true,
    timeLayout: flags.timeFormat === undefined ? undefined : resolveTimeLayout(flags.timeFormat),
  };
  for await (const line of await functionData(client, address, lines)) {
    await writeText(shell.stdout, `${formatLogLine(line, format, options)}\n`);
  }
}

function sinceOf({ since, sinceTime }: LogsFlags): string | undefined {
  if (since !== undefined && sinceTime !== undefined) {
    throw new TinderboxError('invalid', '--since and --since-time exclude each other');
  }
  if (sinceTime !== undefined && !/^\d{4}-/.test(sinceTime)) {
    throw new TinderboxError('invalid', `--since-time "${sinceTime}" is not a time such as 2026-01-31T12:00:00Z`);
  }
  const text = since ?? sinceTime;
  return text === undefined ? undefined : parseSince(text, Date.now());
}

/** As with faas-cli, what is not above zero means all lines. */
function parseLines(text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new TinderboxError('invalid', `--lines "${text}" is not a whole number`);
}

/** A length of time back from now, or a time. Throws `invalid` for neither. */
export function parseSince(text: string, nowMs: number): string {
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return new Date(time).toISOString();
    throw new TinderboxError('invalid', `--since "${text}" is not a time such as 2026-01-31T12:00:00Z`);
  }
  return new Date(nowMs - parseDurationMs(text, '--since')).toISOString();
}
