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
import { buildFunctions, type SendBuild } from './rollout/build-functions.ts';
import type { BuildTarget } from './rollout/build-target.ts';
import {
  addFunctionFlags,
  type FunctionFlags,
  type LoadedProject,
  loadProject,
  targetsOf,
} from './rollout/load-project.ts';
import {
  addRemoteBuilderFlags,
  findRemoteBuilder,
  type RemoteBuilder,
  type RemoteBuilderFlags,
} from './rollout/remote-builder.ts';
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
  const send = remote === undefined ? await platformBuild(shell, project, flags) : remote.send;
  const tags = [undefined, ...(flags.extraTag ?? [])];
  const progress = createProgress(shell.stderr);
  const shown = flags.quiet === true ? quietProgress(progress) : progress;
  for (const tag of tags) {
    const named = targets.map((target) => publishTarget(project, target, flags, remote, tag));
    await buildFunctions(send, await Promise.all(named), flags.parallel, shown);
  }
}

async function platformBuild(shell: Shell, project: LoadedProject, flags: PublishFlags): Promise<SendBuild> {
  const client = await connect(shell, flags, project.gateway);
  return (tar, onLog) => client.build.run(tar, onLog);
}

async function publishTarget(
  project: LoadedProject,
  target: BuildTarget,
  flags: PublishFlags,
  remote: RemoteBuilder | undefined,
  tag: string | undefined,
): Promise<BuildTarget> {
  const secrets = project.functions.find((fn) => fn.name === target.name)?.buildSecrets;
  return {
    ...target,
    image: tag === undefined ? target.image : `${target.image.slice(0, target.image.lastIndexOf(':'))}:${tag}`,
    platforms: flags.platforms.split(',').map((platform) => platform.trim()),
    ...(remote === undefined || secrets === undefined ? {} : { sealedSecrets: await remote.seal(secrets) }),
  };
}
