import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addPlatformFlags, type PlatformFlags, settingFlags, textOf } from './flags/platform-flags.ts';
import type { Shell } from './terminal/shell.ts';
import type { UpOptions } from './up-platform.ts';

const logLevels = ['debug', 'info', 'warn', 'error'] as const;

/**
 * `up` where its words can only mean to start the platform. What deploys a stack file is left out: the platform is a
 * process that stays, and would keep it in memory.
 */
export const upStartCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addPlatformFlags(command.option('--data-dir <folder>', 'data folder')).action((flags: PlatformFlags) =>
      startPlatformHere(shell, flags),
    );
  },
};

export async function startPlatformHere(shell: Shell, flags: PlatformFlags): Promise<void> {
  await hintAtStack(shell);
  const level = parseLogLevel(textOf(flags['logLevel']));
  const config = await loadConfig(settingFlags(flags), textOf(flags['config']));
  for (const warning of config.warnings) shell.stderr.write(`warning: ${warning}\n`);
  // Not before the settings are known to be right: it is most of what a start loads.
  const { upPlatform } = await import('./up-platform.ts');
  return upPlatform(shell, config, { level, examples: flags['examples'] === true });
}

function parseLogLevel(text = 'warn'): UpOptions['level'] {
  const found = logLevels.find((level) => level === text);
  if (found !== undefined) return found;
  throw new TinderboxError('config', `log-level is "${text}", not one of ${logLevels.join(', ')}`);
}

/** Who knows faas-cli may mean the other half. */
async function hintAtStack(shell: Shell): Promise<void> {
  for (const name of ['stack.yaml', 'stack.yml']) {
    const there = await access(join(shell.cwd, name)).then(
      () => true,
      () => false,
    );
    if (there) shell.stderr.write(`starting the platform; to deploy ${name}: tinderbox up -f ${name}\n`);
    if (there) return;
  }
}
