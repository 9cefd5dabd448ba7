import { type Command, Option } from 'commander';
import { TinderboxError } from '../model/errors.ts';
import { findStoreEntry, type StoreEntry, storeImage } from '../model/function-store.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { warnOfUnused } from './rollout/build-flags.ts';
import { addRolloutFlags, addSpecFlags, type RolloutFlags, rolloutOptions } from './rollout/deploy-flags.ts';
import { deployEntry, type EntryFlags } from './store/deploy-entry.ts';
import { formatStoreEntry, formatStoreList } from './store/format-store.ts';
import { type FunctionStore, loadFunctionStore } from './store/load-function-store.ts';
import type { Shell } from './terminal/shell.ts';

interface StoreFlags {
  readonly url?: string;
  readonly platform: string;
  readonly json?: boolean;
}

type DeployFlags = StoreFlags & ConnectionFlags & EntryFlags & RolloutFlags;

/** What OpenFaaS's stores call the processors that Node runs on. */
const platforms: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'arm64', arm: 'armhf' };

export const storeCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    const sub = (name: string, summary: string, ...aliases: string[]): Command =>
      command
        .command(name)
        .description(summary)
        .aliases(aliases)
        .option('-u, --url <url>', "address or file of a store (OPENFAAS_STORE, or tinderbox's own)")
        .option('-p, --platform <name>', 'processor: x86_64, arm64, armhf', platforms[process.arch] ?? process.arch);

    sub('list', 'list the functions of a store', 'ls')
      .option('-v, --verbose', 'show whole descriptions (the default)')
      .option('--no-verbose', 'cut long descriptions off')
      .option('-j, --json', 'print the entries as JSON')
      .action((flags: StoreFlags & { verbose?: boolean }) => listStore(shell, flags));
    sub('describe', 'show all that the store says of a function', 'inspect')
      .argument('<name>', 'name or title of the function')
      .addOption(new Option('-v, --verbose').hideHelp())
      .option('-j, --json', 'print the entry as JSON')
      .action((name: string, flags: StoreFlags) => describeEntry(shell, name, flags));
    addDeployFlags(sub('deploy', 'deploy a function of a store'))
      .argument('<name>', 'name or title of the function')
      .action((name: string, flags: DeployFlags) => deploy(shell, name, flags));
  },
};

function addDeployFlags(command: Command): Command {
  return addRolloutFlags(addSpecFlags(addNamespaceFlag(addConnectionFlags(command)))).option(
    '--name <name>',
    'name of the function, in place of that of the store',
  );
}

async function listStore(shell: Shell, flags: StoreFlags & { verbose?: boolean }): Promise<void> {
  const { entries } = await loadFunctionStore(shell, flags.url);
  const fitting = entries.filter((entry) => storeImage(entry, flags.platform) !== undefined);
  if (flags.json === true) printJson(shell, fitting);
  else if (fitting.length > 0) shell.stdout.write(formatStoreList(fitting, flags.verbose !== false));
  else {
    const known = [...new Set(entries.flatMap(({ images }) => Object.keys(images)))].join(', ');
    const text = `No functions found in the store for platform '${flags.platform}', try one of the following: ${known}`;
    shell.stdout.write(`${text}\n`);
  }
}

async function describeEntry(shell: Shell, name: string, flags: StoreFlags): Promise<void> {
  const { entry } = requireEntry(await loadFunctionStore(shell, flags.url), name, flags);
  if (flags.json === true) printJson(shell, entry);
  else shell.stdout.write(formatStoreEntry(entry, flags.platform));
}

async function deploy(shell: Shell, name: string, flags: DeployFlags): Promise<void> {
  warnOfUnused(shell, { ...flags }, ['--network']);
  const store = await loadFunctionStore(shell, flags.url);
  const found = requireEntry(store, name, flags);
  const client = await connect(shell, flags);
  await deployEntry(shell, client, { store, ...found }, flags, rolloutOptions(shell, flags));
}

function requireEntry(
  { entries, where }: FunctionStore,
  name: string,
  { platform }: StoreFlags,
): { readonly entry: StoreEntry; readonly image: string } {
  const entry = findStoreEntry(
    entries.filter((candidate) => storeImage(candidate, platform) !== undefined),
    name,
  );
  const image = entry === undefined ? undefined : storeImage(entry, platform);
  if (entry !== undefined && image !== undefined) return { entry, image };
  throw new TinderboxError('not-found', `${where} has no function "${name}" for platform ${platform}`, {
    hint: 'tinderbox store list shows what there is',
  });
}

function printJson(shell: Shell, value: unknown): void {
  shell.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
