import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { CommandDefinition } from './command-definition.ts';
import { addPlatformFlags, type PlatformFlags } from './flags/platform-flags.ts';
import type { Shell } from './terminal/shell.ts';

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
  const { upPlatform } = await import('./up-platform.ts');
  return upPlatform(shell, flags);
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
