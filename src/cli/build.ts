import type { Command } from 'commander';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { addStackFlags, type StackFlags } from './flags/stack-flags.ts';
import {
  addBuildFlags,
  addShrinkwrapFlag,
  type BuildFlags,
  unusedBuildFlags,
  warnOfUnused,
} from './rollout/build-flags.ts';
import { buildFunctions } from './rollout/build-functions.ts';
import { createPlatformBuilder } from './rollout/platform-builder.ts';
import { addFunctionFlags, type FunctionFlags, loadProject, targetsOf } from './rollout/load-project.ts';
import { shrinkwrap } from './rollout/shrinkwrap.ts';
import { createProgress, quietProgress } from './terminal/progress.ts';
import type { Shell } from './terminal/shell.ts';

type Flags = ConnectionFlags & StackFlags & BuildFlags & FunctionFlags;

export const buildCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    const common = addBuildFlags(addNamespaceFlag(addConnectionFlags(addStackFlags(command))));
    addShrinkwrapFlag(addFunctionFlags(common)).action((flags: Flags) => buildAll(shell, flags));
  },
};

async function buildAll(shell: Shell, flags: Flags): Promise<void> {
  warnOfUnused(shell, { ...flags }, unusedBuildFlags);
  const project = await loadProject(shell, flags);
  const targets = await targetsOf(shell, project, flags);
  if (targets.length === 0) shell.stderr.write('nothing to build: every function has skip_build: true\n');
  if (flags.shrinkwrap === true) return shrinkwrap(shell, targets);
  const client = await connect(shell, flags, project.gateway);
  const progress = createProgress(shell.stderr);
  await buildFunctions(
    createPlatformBuilder(client),
    targets,
    flags.parallel,
    flags.quiet === true ? quietProgress(progress) : progress,
  );
}
