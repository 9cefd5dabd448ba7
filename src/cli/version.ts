import { type Command, Option } from 'commander';
import type { PlatformInfo } from '../client/info.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, connect, type ConnectionFlags } from './connection/connect.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { showControls } from './output/printable-text.ts';
import { readVersion } from './package-version.ts';
import type { Shell } from './terminal/shell.ts';

interface VersionFlags extends ConnectionFlags, StackFlags {
  readonly short?: boolean;
  readonly shortVersion?: boolean;
  readonly output?: 'json' | 'yaml';
  readonly json?: boolean;
}

/** How long a version may wait for a platform that does not answer. */
const platformTimeoutMs = 2000;

export const versionCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addConnectionFlags(addStackFlags(command))
      .option('--short', 'only the number of this program; asks no platform')
      .option('--short-version', 'the same as --short')
      .option('--no-warn-update', 'taken and not used: no newer version is looked for')
      .option('-j, --json', 'the same as -o json')
      .addOption(new Option('-o, --output <format>', 'json or yaml').choices(['json', 'yaml']))
      .action((flags: VersionFlags) => showVersion(shell, flags));
  },
};

async function showVersion(shell: Shell, flags: VersionFlags): Promise<void> {
  const version = await readVersion();
  if (flags.short === true || flags.shortVersion === true) {
    shell.stdout.write(`${version}\n`);
    return;
  }
  const platform = await askPlatform(shell, flags);
  const format = flags.output ?? (flags.json === true ? 'json' : undefined);
  if (format !== undefined) {
    const { printData } = await import('./output/output-format.ts');
    return printData(shell, format, { cli: { version, node: process.versions.node }, platform });
  }
  shell.stdout.write(`tinderbox ${version} (Node ${process.versions.node}, ${process.platform}-${process.arch})\n`);
  const told = typeof platform === 'string' ? `platform: ${platform}\n` : formatPlatform(platform);
  shell.stdout.write(told.split('\n').map(showControls).join('\n'));
}

/** What the platform says of itself, or why it says nothing. */
async function askPlatform(shell: Shell, flags: VersionFlags): Promise<PlatformInfo | string> {
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const info = await client.info.get(platformTimeoutMs);
  return info.ok ? info.data : info.error.message;
}

function formatPlatform({ provider, version, arch, queue }: PlatformInfo): string {
  return [
    `platform: ${version.release} (${version.sha}), ${arch}\n`,
    `provider: ${provider.provider} ${provider.version.release}, engine ${provider.orchestration}\n`,
    ...(queue === undefined
      ? []
      : [`stored calls: ${queue.about}\n`, ...queue.limits.map((limit) => `  but ${limit}\n`)]),
  ].join('');
}
