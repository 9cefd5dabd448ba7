import type { Command } from 'commander';
import { TinderboxError } from '../model/errors.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag } from './connection/connect.ts';
import { addDeployFlags } from './deploy.ts';
import { addPlatformFlags } from './flags/platform-flags.ts';
import { addStackFlags } from './flags/stack-flags.ts';
import { addPublishFlags } from './publish.ts';
import { addBuildFlags, addShrinkwrapFlag } from './rollout/build-flags.ts';
import type { Shell } from './terminal/shell.ts';
import type { UpStackFlags } from './up-stack.ts';
import { startPlatformHere } from './up-start.ts';

/** Means the same to both halves. */
const shared = 'dataDir';

/**
 * One rule: with any flag of `build`, `push` or `deploy` (`-f stack.yaml`, `--filter`, `--watch`, …) it is faas-cli's `up`
 * and deploys a stack file; without one it starts the platform.
 */
export const upCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    command.optionsGroup('To start the platform:');
    const starting = new Set(addPlatformFlags(command).options.map((option) => option.attributeName()));
    command.optionsGroup('With any of these: to build, push and deploy a stack file:');
    const common = addBuildFlags(addNamespaceFlag(addConnectionFlags(addStackFlags(command))));
    addPublishFlags(addShrinkwrapFlag(addDeployFlags(common)))
      .option('--publish', 'build as publish does')
      .option('--skip-push', 'do not look whether the images are there')
      .option('--skip-deploy', 'only build and push')
      .option('--watch', 'deploy again what changes, until Ctrl-C')
      .action((flags: UpStackFlags, own: Command) => up(shell, flags, own, starting));
  },
};

async function up(shell: Shell, flags: UpStackFlags, command: Command, starting: ReadonlySet<string>): Promise<void> {
  const given = command.options.filter((option) => {
    const name = option.attributeName();
    return name !== shared && command.getOptionValueSource(name) === 'cli';
  });
  const [platform, stack] = [true, false].map((start) =>
    given.find((option) => starting.has(option.attributeName()) === start),
  );
  if (platform !== undefined && stack !== undefined) {
    const both = `${platform.long} starts the platform, ${stack.long} deploys a stack file`;
    throw new TinderboxError('invalid', `up does one or the other: ${both}`, {
      hint: 'start it first: tinderbox up; then, elsewhere: tinderbox up -f stack.yaml',
    });
  }
  if (stack !== undefined) {
    const { upStack } = await import('./up-stack.ts');
    return upStack(shell, flags);
  }
  return startPlatformHere(shell, { ...flags });
}
