import type { Command } from 'commander';
import { TinderboxError } from '../model/errors.ts';
import { assertName } from '../model/names.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { collectPairs, parseInteger } from './flags/collect.ts';
import { addStackFlags, loadSelection, loadStackGateway, type StackFlags } from './flags/stack-flags.ts';
import { buildFunctions } from './rollout/build-functions.ts';
import { type BuildFlags, type BuildTarget, buildTargetFromStack } from './rollout/build-target.ts';
import { loadEnvironment } from './stack/environment-file.ts';
import type { StackFunction } from './stack/stack-file.ts';
import { resolve } from 'node:path';
import { createProgress } from './terminal/progress.ts';
import type { Shell } from './terminal/shell.ts';

interface Flags extends ConnectionFlags, StackFlags, BuildFlags {
  readonly name?: string;
  readonly image?: string;
  readonly lang?: string;
  readonly handler?: string;
  readonly fprocess?: string;
  readonly parallel: number;
}

export const buildCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    addBuildFlags(addNamespaceFlag(addConnectionFlags(addStackFlags(command))))
      .option('--name <name>', 'function, without a stack file')
      .option('--image <name>', 'image name of that function (its name)')
      .option('--lang <language>', 'language of that function (found from its files)')
      .option('--handler <folder>', 'folder with the source of that function')
      .option('--fprocess <command>', 'command line of that function, for lang exec')
      .action((flags: Flags) => buildAll(shell, flags));
  },
};

/** Flags of every command that builds. */
export function addBuildFlags(command: Command): Command {
  return command
    .option('--no-cache', 'build although an equal artifact exists')
    .option('-b, --build-arg <key=value>', 'environment variable of the build; may be repeated', collectPairs)
    .option('--parallel <count>', 'how many at once', parseInteger('--parallel', 1), 1);
}

async function buildAll(shell: Shell, flags: Flags): Promise<void> {
  const { gateway, targets } = await findTargets(shell, flags);
  const client = await connect(shell, flags, gateway);
  if (targets.length === 0) shell.stderr.write('nothing to build: every function has skip_build: true\n');
  await buildFunctions(client, targets, flags.parallel, createProgress(shell.stderr));
}

async function findTargets(
  shell: Shell,
  flags: Flags,
): Promise<{ gateway: string | undefined; targets: readonly BuildTarget[] }> {
  if (flags.name !== undefined || flags.handler !== undefined) {
    const target = buildTargetFromStack(functionFromFlags(shell, flags), {}, flags);
    return { targets: [target], gateway: await loadStackGateway(shell, flags) };
  }
  const { stack, functions } = await loadSelection(shell, flags);
  const built = functions.filter((fn) => !fn.skipBuild && fn.handler !== undefined);
  const targets = built.map(async (fn) => buildTargetFromStack(fn, await loadEnvironment(fn), flags));
  return { targets: await Promise.all(targets), gateway: stack.gateway };
}

function functionFromFlags(shell: Shell, flags: Flags): StackFunction {
  if (flags.name === undefined || flags.handler === undefined) {
    throw new TinderboxError('invalid', 'without a stack file both --name and --handler are needed');
  }
  assertName('function', flags.name);
  return {
    name: flags.name,
    handler: resolve(shell.cwd, flags.handler),
    ...(flags.image === undefined ? {} : { image: flags.image }),
    ...(flags.lang === undefined ? {} : { lang: flags.lang }),
    ...(flags.fprocess === undefined ? {} : { fprocess: flags.fprocess }),
    skipBuild: false,
    environment: {},
    environmentFiles: [],
    secrets: [],
    constraints: [],
    labels: {},
    annotations: {},
    buildArgs: {},
  };
}
