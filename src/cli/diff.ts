import { type Command, Option } from 'commander';
import type { Client } from '../client/client.ts';
import { TinderboxError } from '../model/errors.ts';
import { defaultNamespace } from '../model/names.ts';
import type { CommandDefinition } from './command-definition.ts';
import { addConnectionFlags, addNamespaceFlag, connect, type ConnectionFlags } from './connection/connect.ts';
import { compareFunctions, type EnvMode, formatDifferences } from './diff/compare-functions.ts';
import { attributesOf } from './diff/describe-function.ts';
import { addStackFlags, type StackFlags } from './flags/stack-flags.ts';
import { addTagFlag, type BuildFlags } from './rollout/build-flags.ts';
import { deploymentFrom } from './rollout/deployment.ts';
import { loadProject } from './rollout/load-project.ts';
import { loadEnvironment } from './stack/environment-file.ts';
import type { StackFunction } from './stack/stack-file.ts';
import type { Shell } from './terminal/shell.ts';

interface DiffFlags extends ConnectionFlags, StackFlags, Pick<BuildFlags, 'tag'> {
  readonly namespace?: string;
  readonly env: EnvMode;
}

export const diffCommand: CommandDefinition = {
  define(command: Command, shell: Shell) {
    const about = 'variables that count: local, those of the file; remote, those deployed; all';
    addTagFlag(addNamespaceFlag(addConnectionFlags(addStackFlags(command))))
      .addOption(new Option('--env <mode>', about).choices(['local', 'remote', 'all']).default('local'))
      .action((flags: DiffFlags) => diff(shell, flags));
  },
};

/** Asks only; ends with 1 when there are differences, as diff(1) does. */
async function diff(shell: Shell, flags: DiffFlags): Promise<void> {
  const project = await loadProject(shell, { ...flags, parallel: 1, disableStackPull: true });
  const client = await connect(shell, flags, project.gateway);
  const named = [...project.functions].sort((a, b) => (a.name < b.name ? -1 : 1));
  const found = await Promise.all(named.map(async (fn) => diffFunction(client, fn, flags)));
  const different = found.filter((text) => text !== '');
  if (different.length === 0) {
    shell.stdout.write('The stack file matches what is deployed.\n');
    return;
  }
  shell.stdout.write(different.join(''));
  throw new TinderboxError('internal', `${different.length} of ${found.length} functions differ`);
}

async function diffFunction(client: Client, fn: StackFunction, flags: DiffFlags): Promise<string> {
  const flagged = flags.namespace === undefined ? {} : { namespace: flags.namespace };
  const wanted = deploymentFrom(fn, await loadEnvironment(fn), flagged);
  const namespace = wanted.namespace ?? defaultNamespace;
  const deployed = await client.functions.get(fn.name, namespace);
  if (!deployed.ok && deployed.error.code !== 'not-found') throw deployed.error;
  const there = deployed.ok ? attributesOf(deployed.data) : undefined;
  const rows = compareFunctions(attributesOf(wanted), there, flags.env);
  return rows.length === 0 ? '' : formatDifferences(`${fn.name}.${namespace}`, rows);
}
