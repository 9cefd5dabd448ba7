import { type Command, Option } from 'commander';
import { alignCells } from '../output/align-cells.ts';
import { printData } from '../output/output-format.ts';
import { formatTable } from '../output/table.ts';
import type { Shell } from '../terminal/shell.ts';
import { pullTemplates } from './pull-templates.ts';
import { parseTemplateRepository } from './template-source.ts';
import { findTemplateInfo, loadTemplateStore, type TemplateInfo } from './template-store.ts';

interface StoreFlags {
  readonly url?: string;
  readonly json?: boolean;
}

interface ListFlags extends StoreFlags {
  readonly platform: string;
  readonly verbose?: boolean;
  readonly recommended?: boolean;
  readonly official?: boolean;
}

/** `template store list|describe|pull`. */
export function addTemplateStore(command: Command, shell: Shell): void {
  const sub = (name: string, summary: string): Command =>
    command
      .command(name)
      .description(summary)
      .option('-u, --url <address>', "address or file of a store (OPENFAAS_TEMPLATE_STORE_URL, or OpenFaaS's)");

  sub('list', 'list the templates of a store')
    .alias('ls')
    .option('-v, --verbose', 'with language and platform')
    .option('-p, --platform <name>', 'only templates for this platform', 'x86_64')
    .option('-r, --recommended', 'only recommended ones')
    .option('-o, --official', 'only those OpenFaaS itself keeps')
    .addOption(hidden('--no-overwrite'))
    .addOption(hidden('--debug'))
    .option('-j, --json', 'as JSON')
    .action((flags: ListFlags) => listStore(shell, flags));
  sub('describe', 'show a template of a store')
    .argument('<name>', 'NAME or SOURCE/NAME')
    .addOption(hidden('--no-overwrite'))
    .addOption(hidden('--debug'))
    .option('-j, --json', 'as JSON')
    .action((name: string, flags: StoreFlags) => describe(shell, name, flags));
  sub('pull', 'pull the repository of a template')
    .argument('<name>', 'NAME or SOURCE/NAME, with @BRANCH or @TAG')
    .option('--no-overwrite', 'leave templates that are there as they are, and fail')
    .option('--debug', 'show what git says')
    .action((name: string, flags: StoreFlags & { overwrite: boolean; debug?: boolean }) => pull(shell, name, flags));
}

/** faas-cli's commands beside `pull` take it too, and do not look at it. */
function hidden(flag: string): Option {
  return new Option(flag).hideHelp();
}

async function listStore(shell: Shell, flags: ListFlags): Promise<void> {
  const rows = (await loadTemplateStore(shell, flags.url)).filter(
    (entry) =>
      entry.platform.toLowerCase() === flags.platform.toLowerCase() &&
      (flags.recommended !== true || entry.recommended) &&
      (flags.official !== true || entry.official === 'true'),
  );
  if (flags.json === true) return printData(shell, 'json', rows);
  const columns = [
    { title: 'NAME', value: (row: TemplateInfo) => row.template },
    { title: 'RECOMMENDED', value: (row: TemplateInfo) => mark(row.recommended) },
    { title: 'SOURCE', value: (row: TemplateInfo) => row.source },
    { title: 'DESCRIPTION', value: (row: TemplateInfo) => row.description },
  ];
  const more = [
    { title: 'LANGUAGE', value: (row: TemplateInfo) => row.language },
    { title: 'PLATFORM', value: (row: TemplateInfo) => row.platform },
  ];
  shell.stdout.write(formatTable(flags.verbose === true ? [...columns, ...more] : columns, rows));
}

async function describe(shell: Shell, name: string, flags: StoreFlags): Promise<void> {
  const found = findTemplateInfo(await loadTemplateStore(shell, flags.url), name);
  if (flags.json === true) return printData(shell, 'json', found);
  const lines = [
    `Name:\t${found.template}`,
    `Description:\t${found.description}`,
    `Language:\t${found.language}`,
    `Source:\t${found.source}`,
    `Repository:\t${found.repo}`,
    `Platform:\t${found.platform}`,
    `Official:\t${mark(found.official === 'true')}`,
    `Recommended:\t${mark(found.recommended)}`,
  ];
  shell.stdout.write(alignCells(lines));
}

async function pull(
  shell: Shell,
  name: string,
  flags: StoreFlags & { overwrite: boolean; debug?: boolean },
): Promise<void> {
  const found = findTemplateInfo(await loadTemplateStore(shell, flags.url), name);
  const ref = name.split('@')[1];
  const repository = parseTemplateRepository(ref === undefined ? found.repo : `${found.repo}#${ref}`);
  const names = await pullTemplates(shell, repository, { overwrite: flags.overwrite, debug: flags.debug === true });
  shell.stdout.write(`Wrote ${names.length} template(s): ${names.join(', ')}\n`);
}

function mark(on: boolean): string {
  return on ? '[x]' : '[ ]';
}
