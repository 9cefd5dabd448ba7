import type { Command } from 'commander';
import { collectPairs, collectTexts, parseInteger } from '../flags/collect.ts';
import type { Shell } from '../terminal/shell.ts';
import { parseTagFormat, type TagFormat } from './image-tag.ts';

/** Values of the flags of every command that builds. */
export interface BuildFlags {
  readonly namespace?: string;
  readonly buildArg?: Readonly<Record<string, string>>;
  readonly buildOption?: readonly string[];
  readonly copyExtra?: readonly string[];
  readonly tag?: TagFormat;
  /** False with `--no-cache`. */
  readonly cache?: boolean;
  readonly quiet?: boolean;
  readonly shrinkwrap?: boolean;
  readonly disableStackPull?: boolean;
  readonly overwrite?: boolean;
  readonly debug?: boolean;
  readonly squash?: boolean;
  readonly pull?: boolean;
  readonly buildLabel?: readonly string[];
  readonly parallel: number;
}

export function addTagFlag(command: Command): Command {
  return command.option('--tag <format>', 'tag of the image: latest, sha, branch, describe or digest', parseTagFormat);
}

export function addParallelFlag(command: Command): Command {
  return command.option('--parallel <count>', 'how many at once', parseInteger('--parallel', 1), 1);
}

export function addShrinkwrapFlag(command: Command): Command {
  return command.option('--shrinkwrap', 'only write to ./build what would be built');
}

/** Flags of every command that builds; those of container builds are taken, and told to be without meaning. */
export function addBuildFlags(command: Command): Command {
  return addParallelFlag(addTagFlag(command))
    .option('--no-cache', 'build although an equal artifact exists')
    .option('-b, --build-arg <key=value>', 'environment variable of the build; may be repeated', collectPairs)
    .option('-o, --build-option <name>', 'build option of the template; may be repeated', collectTexts)
    .option('--copy-extra <path>', 'copy into the handler folder before the build; may be repeated', collectTexts)
    .option('--quiet', 'do not show the output of builds')
    .option('--disable-stack-pull', 'do not pull what configuration.templates names')
    .option('--no-overwrite', 'leave templates that are there as they are')
    .option('--debug', 'show what git says when templates are pulled')
    .option('--squash', 'taken and not used: for container builds')
    .option('--pull', 'taken and not used: for container builds')
    .option('--build-label <key=value>', 'taken and not used: for container builds', collectTexts);
}

/** Tells on stderr what was asked for and means nothing on an engine without containers. */
export function warnOfUnused(shell: Shell, flags: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  for (const name of names) {
    const key = name.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (flags[key] === undefined || flags[key] === false) continue;
    shell.stderr.write(`warning: ${name} means nothing here: no container is built or run\n`);
  }
}

export const unusedBuildFlags: readonly string[] = ['--squash', '--pull', '--build-label'];
