import { type Command, Option } from 'commander';
import { parseDurationMs } from '../model/duration.ts';
import { TinderboxError } from '../model/errors.ts';
import { assertName, defaultNamespace } from '../model/names.ts';
import { addBuildFlags } from './build.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { collectPairs, collectTexts } from './flags/collect.ts';
import { addStackFlags, loadSelection, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { type BuildFlags, type BuildTarget, buildTargetFromStack, programOf } from './rollout/build-target.ts';
import { deployFunctions, type RolloutOptions } from './rollout/deploy-functions.ts';
import { deploymentFrom, type SpecFlags } from './rollout/deployment.ts';
import { readSingleFile } from './rollout/single-file.ts';
import { loadEnvironment } from './stack/environment-file.ts';
import { createProgress } from './terminal/progress.ts';
import type { Shell } from './terminal/shell.ts';

interface DeployFlags extends ConnectionFlags, StackFlags, BuildFlags, SpecFlags {
  readonly image?: string;
  readonly name?: string;
  /** False with `--skip-build` or `--image-only`. */
  readonly skipBuild?: boolean;
  readonly imageOnly?: boolean;
  readonly parallel: number;
  readonly timeout: number;
}

export const deployCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addBuildFlags(addNamespaceFlag(addConnectionFlags(addStackFlags(command))))
      .argument('[file]', 'a function of one file: .js, .ts, .py or .sh')
      .option('--image <name>', 'deploy this image, without a stack file; needs --name')
      .option('--name <name>', 'name of that function, or of that of one file')
      .option('--fprocess <command>', 'command line of the function')
      .option('-e, --env <key=value>', 'environment variable; may be repeated', collectPairs)
      .option('-l, --label <key=value>', 'label; may be repeated', collectPairs)
      .option('--annotation <key=value>', 'annotation; may be repeated', collectPairs)
      .option('--secret <name>', 'secret the function may read; may be repeated', collectTexts)
      .option('--memory-limit <amount>', 'most memory of an instance, such as 128Mi')
      .option('--cpu-limit <amount>', 'most CPU of an instance, such as 500m')
      .option('--skip-build', 'deploy the images as they are')
      .option('--image-only', 'the same as --skip-build')
      .addOption(
        new Option('--timeout <duration>', 'how long to wait until ready; 0: not at all')
          .argParser(parseTimeout)
          .default(120_000, '2m'),
      )
      .action((file: string | undefined, flags: DeployFlags) => deploy(shell, file, flags));
  },
};

async function deploy(shell: Shell, file: string | undefined, flags: DeployFlags): Promise<void> {
  if (file !== undefined) return deployFile(shell, file, flags);
  const byImage = flags.yaml === undefined && (flags.image !== undefined || flags.name !== undefined);
  return byImage ? deployImage(shell, flags) : deployStack(shell, flags);
}

async function deployStack(shell: Shell, flags: DeployFlags): Promise<void> {
  const { stack, functions } = await loadSelection(shell, flags);
  const found = await Promise.all(functions.map(async (fn) => ({ fn, environment: await loadEnvironment(fn) })));
  const skipped = flags.skipBuild === true || flags.imageOnly === true;
  const rollouts = found.map(({ fn, environment }) => {
    const deployment = deploymentFrom(fn, environment, flags);
    if (skipped || fn.skipBuild || fn.handler === undefined) return { deployment };
    return { deployment, target: buildTargetFromStack(fn, { ...environment, ...flags.env }, flags) };
  });
  const client = await connect(shell, flags, stack.gateway);
  await deployFunctions(shell, client, rollouts, rolloutOptions(shell, flags));
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
    image: deployment.image,
    source: single.path,
    language,
    ...programOf(language, flags.fprocess ?? single.process, flags.env ?? {}),
    buildArgs: flags.buildArg ?? {},
    noCache: flags.cache === false,
  };
  const client = await connect(shell, flags);
  await deployFunctions(shell, client, [{ deployment, target }], rolloutOptions(shell, flags));
}

function rolloutOptions(shell: Shell, flags: DeployFlags): RolloutOptions {
  return { timeoutMs: flags.timeout, parallel: flags.parallel, progress: createProgress(shell.stderr) };
}

function parseTimeout(text: string): number {
  return parseDurationMs(text, '--timeout');
}
