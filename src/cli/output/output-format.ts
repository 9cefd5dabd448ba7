import { type Command, Option } from 'commander';
import type { Shell } from '../terminal/shell.ts';
import { type Column, formatTable } from './table.ts';

export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml' | 'name';

/** How a list can be shown. */
export interface Listing<T> {
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  /** Shown in addition with `-o wide`. */
  readonly wide?: readonly Column<T>[];
  readonly name: (row: T) => string;
}

export function addOutputFlag(command: Command): Command {
  const choices = ['json', 'yaml', 'name', 'wide', 'table'];
  return command.addOption(new Option('-o, --output <format>', 'json, yaml, name, wide or table').choices(choices));
}

/** Prints a list in the format asked for; `json` and `yaml` show the rows as the API gave them. */
export async function printListing<T>(
  shell: Shell,
  format: OutputFormat | undefined,
  listing: Listing<T>,
): Promise<void> {
  if (format === 'json' || format === 'yaml') return printData(shell, format, listing.rows);
  if (format === 'name') {
    shell.stdout.write(listing.rows.map((row) => `${listing.name(row)}\n`).join(''));
    return;
  }
  const columns = format === 'wide' ? [...listing.columns, ...(listing.wide ?? [])] : listing.columns;
  shell.stdout.write(formatTable(columns, listing.rows));
}

export async function printData(shell: Shell, format: 'json' | 'yaml', data: unknown): Promise<void> {
  if (format === 'json') {
    shell.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
    return;
  }
  const { stringify } = await import('yaml');
  shell.stdout.write(stringify(data));
}
