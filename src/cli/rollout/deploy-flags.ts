import { type Command, Option } from 'commander';
import type { DeployMode } from '../../client/functions.ts';
import { collectPairs, collectTexts, parseDuration } from '../flags/collect.ts';
import { createProgress, quietProgress } from '../terminal/progress.ts';
import type { Shell } from '../terminal/shell.ts';
import type { RolloutOptions } from './deploy-functions.ts';

/** Values of the flags that bound a function. */
export interface ResourceFlags {
  readonly memoryLimit?: string;
  readonly cpuLimit?: string;
  readonly memoryRequest?: string;
  readonly cpuRequest?: string;
}

/** Values of the flags that add to or override what a stack file or a store says of a function. */
export interface SpecFlags extends ResourceFlags {
  readonly namespace?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly label?: Readonly<Record<string, string>>;
  readonly annotation?: Readonly<Record<string, string>>;
  readonly secret?: readonly string[];
  readonly fprocess?: string;
  readonly constraint?: readonly string[];
  readonly readonly?: boolean;
}

/** Values of the flags that say how functions are rolled out. */
export interface RolloutFlags {
  readonly replace?: boolean;
  /** False with `--update=false`. */
  readonly update?: boolean;
  readonly network?: string;
  readonly timeout: number;
}

export function addResourceFlags(command: Command): Command {
  return command
    .option('--memory-limit <amount>', 'most memory of an instance, such as 128Mi')
    .option('--cpu-limit <amount>', 'most CPU of an instance, such as 500m')
    .option('--memory-request <amount>', 'memory to count on for an instance')
    .option('--cpu-request <amount>', 'CPU to count on for an instance');
}

/** What a function is deployed with; `--fprocess` and `--readonly` are left to whoever has a say in them. */
export function addSpecFlags(command: Command): Command {
  const marked = addEnvFlag(command)
    .option('-l, --label <key=value>', 'label; may be repeated', collectPairs)
    .option('--annotation <key=value>', 'annotation; may be repeated', collectPairs)
    .option('--secret <name>', 'secret the function may read; may be repeated', collectTexts)
    .option('--constraint <text>', 'placement constraint, where the file has none; may be repeated', collectTexts);
  return addResourceFlags(marked);
}

export function addEnvFlag(command: Command): Command {
  return command.option('-e, --env <key=value>', 'environment variable; may be repeated', collectPairs);
}

export function addNetworkFlag(command: Command): Command {
  return command.option('--network <name>', 'taken and not used: for containers');
}

export function addRolloutFlags(command: Command): Command {
  return addNetworkFlag(command)
    .option('--replace', 'remove a function that is there, then create it')
    .option('--no-update', 'refuse a function that is there')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait until ready; 0: not at all')
        .argParser(parseDuration('--timeout'))
        .default(120_000, '2m'),
    );
}

/** How functions are rolled out under these flags; one at a time unless they say otherwise. */
export function rolloutOptions(
  shell: Shell,
  flags: RolloutFlags & { readonly parallel?: number; readonly quiet?: boolean },
): RolloutOptions {
  const progress = createProgress(shell.stderr);
  return {
    timeoutMs: flags.timeout,
    parallel: flags.parallel ?? 1,
    progress: flags.quiet === true ? quietProgress(progress) : progress,
    mode: modeOf(flags),
  };
}

function modeOf({ replace, update }: RolloutFlags): DeployMode {
  if (replace === true) return 'replace';
  return update === false ? 'create' : 'update';
}
