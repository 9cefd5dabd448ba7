import { resolve } from 'node:path';
import type { Command } from 'commander';
import { TinderboxError } from '../../model/errors.ts';
import { assertName } from '../../model/names.ts';
import { loadSelection, loadStackGateway, type StackFlags } from '../flags/stack-flags.ts';
import { loadEnvironment } from '../stack/environment-file.ts';
import type { StackFunction, TemplateSource } from '../stack/stack-file.ts';
import { listLocalTemplates } from '../templates/local-template.ts';
import { pullTemplates } from '../templates/pull-templates.ts';
import { parseTemplateRepository } from '../templates/template-source.ts';
import type { Shell } from '../terminal/shell.ts';
import type { BuildFlags } from './build-flags.ts';
import type { BuildTarget } from './build-target.ts';
import { tagImage } from './image-tag.ts';
import { type Project, resolveTarget } from './resolve-target.ts';

/** One function without a stack file. */
export interface FunctionFlags {
  readonly name?: string;
  readonly image?: string;
  readonly lang?: string;
  readonly handler?: string;
  readonly fprocess?: string;
}

/** The functions a command is about, their image names complete. */
export interface LoadedProject extends Project {
  readonly gateway: string | undefined;
  readonly functions: readonly StackFunction[];
}

export function addFunctionFlags(command: Command): Command {
  return command
    .option('--name <name>', 'name of the function, without a stack file')
    .option('--image <name>', 'image name of that function (its name)')
    .option('--lang <language>', 'language of that function (found from its files)')
    .option('--handler <folder>', 'folder with the source of that function')
    .option('--fprocess <command>', 'command line of that function');
}

/**
 * The functions of the stack file that the flags choose, or the one that the flags are. Templates that the file names and
 * that are not there are pulled, unless `--disable-stack-pull` is given.
 */
export async function loadProject(
  shell: Shell,
  flags: BuildFlags & FunctionFlags & StackFlags,
): Promise<LoadedProject> {
  if (flags.name !== undefined || flags.handler !== undefined) {
    const functions = await tagged(shell, [functionFromFlags(shell, flags)], flags);
    return { directory: shell.cwd, copy: [], functions, gateway: await loadStackGateway(shell, flags) };
  }
  const { stack, functions } = await loadSelection(shell, flags);
  if (flags.disableStackPull !== true) await pullMissing(shell, stack.directory, stack.templates, functions, flags);
  return {
    directory: stack.directory,
    copy: stack.copy,
    gateway: stack.gateway,
    functions: await tagged(shell, functions, flags),
  };
}

/** What is to be built of a project: functions with a handler and without `skip_build`. */
export async function targetsOf(
  shell: Shell,
  project: LoadedProject,
  flags: BuildFlags,
): Promise<readonly BuildTarget[]> {
  const built = project.functions.filter((fn) => !fn.skipBuild && fn.handler !== undefined);
  return Promise.all(built.map(async (fn) => resolveTarget(shell, project, fn, await loadEnvironment(fn), flags)));
}

async function tagged(
  shell: Shell,
  functions: readonly StackFunction[],
  { tag = 'latest' }: BuildFlags,
): Promise<readonly StackFunction[]> {
  if (tag === 'latest') return functions;
  return Promise.all(
    functions.map(async (fn) => ({ ...fn, image: await tagImage(shell, fn.image ?? fn.name, tag, fn.handler) })),
  );
}

async function pullMissing(
  shell: Shell,
  directory: string,
  sources: readonly TemplateSource[],
  functions: readonly StackFunction[],
  flags: BuildFlags,
): Promise<void> {
  const there = await listLocalTemplates(directory);
  const wanted = new Set(functions.map((fn) => fn.lang));
  for (const { name, source } of sources) {
    if (source === undefined || there.includes(name) || !wanted.has(name)) continue;
    shell.stderr.write(`pulling template ${name} from ${source}\n`);
    const options = { name, overwrite: flags.overwrite !== false, debug: flags.debug === true };
    await pullTemplates({ ...shell, cwd: directory }, parseTemplateRepository(source), options);
  }
}

function functionFromFlags(shell: Shell, flags: FunctionFlags): StackFunction {
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
