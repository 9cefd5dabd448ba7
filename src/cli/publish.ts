import type { Command } from 'commander';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { collectTexts } from './flags/collect.ts';
import { addStackFlags, type StackFlags } from './flags/stack-flags.ts';
import {
  addBuildFlags,
  addShrinkwrapFlag,
  type BuildFlags,
  unusedBuildFlags,
  warnOfUnused,
} from './rollout/build-flags.ts';
import { buildFunctions } from './rollout/build-functions.ts';
import type { BuildTarget } from './rollout/build-target.ts';
import {
  addFunctionFlags,
  type FunctionFlags,
  type LoadedProject,
  loadProject,
  targetsOf,
} from './rollout/load-project.ts';
import { createPlatformBuilder } from './rollout/platform-builder.ts';
import { addRemoteBuilderFlags, findRemoteBuilder, type RemoteBuilderFlags } from './rollout/remote-builder.ts';
import { shrinkwrap } from './rollout/shrinkwrap.ts';
import { createProgress, quietProgress } from './terminal/progress.ts';
import type { Shell } from './terminal/shell.ts';

/** Values of the flags of every command that publishes. */
export type PublishFlags = ConnectionFlags &
  StackFlags &
  BuildFlags &
  FunctionFlags &
  RemoteBuilderFlags & {
    readonly platforms: string;
    readonly extraTag?: readonly string[];
    readonly resetQemu?: boolean;
  };

export const publishCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    const common = addBuildFlags(addNamespaceFlag(addConnectionFlags(addStackFlags(command))));
    addPublishFlags(addShrinkwrapFlag(addFunctionFlags(common))).action(async (flags: PublishFlags) => {
      await publishProject(shell, await loadProject(shell, flags), flags);
    });
  },
};

export function addPublishFlags(command: Command): Command {
  return addRemoteBuilderFlags(command)
    .option('--platforms <list>', 'platforms a builder of containers builds for', 'linux/amd64')
    .option('--extra-tag <tag>', 'further tag of the image; may be repeated', collectTexts)
    .option('--reset-qemu', 'taken and not used: for container builds');
}

/** Builds the functions of a project, on the remote builder where one is named, under each of their tags. */
export async function publishProject(shell: Shell, project: LoadedProject, flags: PublishFlags): Promise<void> {
  warnOfUnused(shell, { ...flags }, [...unusedBuildFlags, '--reset-qemu']);
  const targets = await targetsOf(shell, project, flags);
  if (flags.shrinkwrap === true) return shrinkwrap(shell, targets);
  const remote = await findRemoteBuilder(shell, flags);
  const builder = remote ?? createPlatformBuilder(await connect(shell, flags, project.gateway));
  const tags = [undefined, ...(flags.extraTag ?? [])];
  const progress = createProgress(shell.stderr);
  const shown = flags.quiet === true ? quietProgress(progress) : progress;
  for (const tag of tags) {
    const named = targets.map((target) => publishTarget(target, flags, tag));
    await buildFunctions(builder, named, flags.parallel, shown);
  }
}

function publishTarget(target: BuildTarget, flags: PublishFlags, tag: string | undefined): BuildTarget {
  return {
    ...target,
    image: tag === undefined ? target.image : `${target.image.slice(0, target.image.lastIndexOf(':'))}:${tag}`,
    platforms: flags.platforms.split(',').map((platform) => platform.trim()),
  };
}
