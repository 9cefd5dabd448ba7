import type { Command } from 'commander';
import { TinderboxError } from '../model/errors.ts';
import { assertName, defaultNamespace } from '../model/names.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { addStackFlags, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { addBuildFlags, type BuildFlags, unusedBuildFlags, warnOfUnused } from './rollout/build-flags.ts';
import { type BuildTarget, imageName, programOf } from './rollout/build-target.ts';
import {
  addRolloutFlags,
  addSpecFlags,
  type RolloutFlags,
  rolloutOptions,
  type SpecFlags,
} from './rollout/deploy-flags.ts';
import { deployFunctions } from './rollout/deploy-functions.ts';
import { deploymentFrom } from './rollout/deployment.ts';
import { addFunctionFlags, type FunctionFlags, loadProject } from './rollout/load-project.ts';
import { deployProject } from './rollout/deploy-project.ts';
import { readSingleFile } from './rollout/single-file.ts';
import type { Shell } from './terminal/shell.ts';

/** Values of the flags of every command that deploys. */
export type DeployFlags = ConnectionFlags &
  StackFlags &
  BuildFlags &
  SpecFlags &
  RolloutFlags &
  FunctionFlags & {
    readonly skipBuild?: boolean;
    readonly imageOnly?: boolean;
    readonly readTemplate?: boolean;
  };

export const deployCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addDeployFlags(addBuildFlags(addNamespaceFlag(addConnectionFlags(addStackFlags(command)))))
      .argument('[file]', 'a function of one file: .js, .ts, .py or .sh')
      .option('--skip-build', 'deploy the images as they are')
      .option('--image-only', 'the same as --skip-build')
      .action((file: string | undefined, flags: DeployFlags) => deploy(shell, file, flags));
  },
};

/** Flags that say what is deployed, and how. */
export function addDeployFlags(command: Command): Command {
  return addRolloutFlags(addSpecFlags(addFunctionFlags(command)))
    .option('--readonly', 'the function may write to its temporary folder only')
    .option('--read-template', 'deploy with the fprocess of template.yml; a build knows it anyway');
}

async function deploy(shell: Shell, file: string | undefined, flags: DeployFlags): Promise<void> {
  warnOfUnused(shell, { ...flags }, [...unusedBuildFlags, '--network']);
  if (file !== undefined) return deployFile(shell, file, flags);
  const byImage = flags.yaml === undefined && flags.handler === undefined;
  if (byImage && (flags.image !== undefined || flags.name !== undefined)) return deployImage(shell, flags);
  const project = await loadProject(shell, flags.handler === undefined ? withoutName(flags) : flags);
  const client = await connect(shell, flags, project.gateway);
  const build = flags.skipBuild !== true && flags.imageOnly !== true;
  await deployProject(shell, client, project, flags, { ...rolloutOptions(shell, flags), build });
}

/** With a stack file, `--name` and `--image` are not about a function beside it. */
function withoutName(flags: DeployFlags): DeployFlags {
  const { name: _name, image: _image, ...rest } = flags;
  return rest;
}

async function deployImage(shell: Shell, flags: DeployFlags): Promise<void> {
  const { name, image } = flags;
  if (name === undefined || image === undefined) {
    throw new TinderboxError('invalid', 'without a stack file both --image and --name are needed');
  }
  assertName('function', name);
  const client = await connect(shell, flags, await loadStackGateway(shell, flags));
  const deployment = deploymentFrom({ name, image }, {}, flags);
  await deployFunctions(shell, client, [{ deployment }], rolloutOptions(shell, flags));
}

async function deployFile(shell: Shell, file: string, flags: DeployFlags): Promise<void> {
  const single = await readSingleFile(shell.cwd, file, flags.name);
  const { name, language } = single;
  const deployment = deploymentFrom({ name, image: flags.image ?? name }, {}, flags);
  const target: BuildTarget = {
    name,
    namespace: deployment.namespace ?? defaultNamespace,
    image: imageName(deployment.image),
    source: single.path,
    language,
    ...programOf(language, flags.fprocess ?? single.process, flags.env ?? {}),
    buildArgs: flags.buildArg ?? {},
    noCache: flags.cache === false,
  };
  const client = await connect(shell, flags);
  await deployFunctions(shell, client, [{ deployment, target }], rolloutOptions(shell, flags));
}
