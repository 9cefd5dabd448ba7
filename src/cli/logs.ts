import { type Command, Option } from 'commander';
import { dataOf } from '../client/result.ts';
import { parseDurationMs } from '../model/duration.ts';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { parseInteger } from './flags/collect.ts';
import { parseAddress } from './flags/function-address.ts';
import { addYamlFlag, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { formatLogLine, type LogFormat } from './output/format-log-line.ts';
import { writeText } from './terminal/write-text.ts';
import type { Shell } from './terminal/shell.ts';

interface LogsFlags extends ConnectionFlags, StackFlags {
  readonly namespace?: string;
  readonly follow?: boolean;
  readonly lines?: number;
  readonly since?: string;
  readonly instance?: string;
  readonly output: LogFormat;
}

export const logsCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addNamespaceFlag(addConnectionFlags(addYamlFlag(command)))
      .argument('<name>', 'function, or NAME.NAMESPACE')
      .option('-t, --follow', 'go on with new lines until Ctrl-C')
      .option('--lines <count>', 'only the last lines', parseInteger('--lines', 1))
      .option('--since <time>', 'only lines of the last 5m, 1h, …, or since an RFC 3339 time')
      .option('--instance <id>', 'only lines of this instance')
      .addOption(
        new Option('-o, --output <format>', 'plain, keyvalue or json')
          .choices(['plain', 'keyvalue', 'json'])
          .default('plain'),
      )
      .action((name: string, flags: LogsFlags) => showLogs(shell, name, flags));
  },
};

async function showLogs(shell: Shell, text: string, flags: LogsFlags): Promise<void> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const lines = await client.logs.read({
    ...parseAddress(text, flags.namespace),
    follow: flags.follow === true,
    ...(flags.lines === undefined ? {} : { tail: flags.lines }),
    ...(flags.since === undefined ? {} : { since: parseSince(flags.since, Date.now()) }),
    ...(flags.instance === undefined ? {} : { instance: flags.instance }),
  });
  for await (const line of dataOf(lines)) await writeText(shell.stdout, `${formatLogLine(line, flags.output)}\n`);
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
