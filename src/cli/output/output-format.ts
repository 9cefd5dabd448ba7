import { type Command, Option } from 'commander';
import { TinderboxError } from '../../model/errors.ts';
import type { Shell } from '../terminal/shell.ts';
import { formatYaml } from './format-yaml.ts';
import { evaluateJsonPath, parseJsonPath } from './json-path.ts';
import { type Column, formatTable } from './table.ts';

const named = ['json', 'yaml', 'name', 'wide', 'table', 'jsonpath='] as const;

/** One of the names, or `jsonpath=TEMPLATE`. */
export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml' | 'name' | `jsonpath=${string}`;

/** Values of the flags that say how something is shown. */
export interface OutputFlags {
  readonly output?: OutputFormat;
  /** faas-cli's `-j`, the same as `-o json`. */
  readonly json?: boolean;
}

/** How a list can be shown. */
export interface Listing<T> {
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  /** Shown in addition with `-o wide`. */
  readonly wide?: readonly Column<T>[];
  readonly name: (row: T) => string;
}

export function addOutputFlag(command: Command): Command {
  const about = 'json, yaml, name, wide, table or jsonpath=TEMPLATE';
  // The choices are for completion; what is allowed is checked by the parser.
  const option = new Option('-o, --output <format>', about).choices(named).argParser(parseOutputFormat);
  return command.addOption(option).option('-j, --json', 'the same as -o json');
}

function parseOutputFormat(text: string): OutputFormat {
  if (text.startsWith('jsonpath=')) {
    parseJsonPath(text.slice('jsonpath='.length));
    return text as OutputFormat;
  }
  if (named.some((name) => name === text)) return text as OutputFormat;
  throw new TinderboxError('invalid', `-o "${text}" is not a format`, {
    hint: 'give json, yaml, name, wide, table, or a template: -o jsonpath={.name}',
  });
}

/** The format the flags ask for; undefined: the command's own. */
export function formatOf(flags: OutputFlags): OutputFormat | undefined {
  return flags.output ?? (flags.json === true ? 'json' : undefined);
}

/** Whether a format shows data as the API gave it. */
export function isData(format: OutputFormat | undefined): format is 'json' | 'yaml' | `jsonpath=${string}` {
  return format === 'json' || format === 'yaml' || format?.startsWith('jsonpath=') === true;
}

/** Prints a list in the format asked for. As data the rows are printed as the API gave them; a template sees `{.items}`. */
export async function printListing<T>(
  shell: Shell,
  format: OutputFormat | undefined,
  listing: Listing<T>,
): Promise<void> {
  if (isData(format)) return printData(shell, format, format.startsWith('jsonpath=') ? listOf(listing) : listing.rows);
  if (format === 'name') {
    shell.stdout.write(listing.rows.map((row) => `${listing.name(row)}\n`).join(''));
    return;
  }
  const columns = format === 'wide' ? [...listing.columns, ...(listing.wide ?? [])] : listing.columns;
  shell.stdout.write(formatTable(columns, listing.rows));
}

function listOf<T>(listing: Listing<T>): { readonly items: readonly T[] } {
  return { items: listing.rows };
}

export async function printData(
  shell: Shell,
  format: 'json' | 'yaml' | `jsonpath=${string}`,
  data: unknown,
): Promise<void> {
  if (format === 'json') {
    shell.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
  } else if (format === 'yaml') {
    shell.stdout.write(await formatYaml(data));
  } else {
    shell.stdout.write(`${evaluateJsonPath(parseJsonPath(format.slice('jsonpath='.length)), data)}\n`);
  }
}
