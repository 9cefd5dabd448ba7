import type { Client } from '../../client/client.ts';
import { loadEnvironment } from '../stack/environment-file.ts';
import type { StackFunction } from '../stack/stack-file.ts';
import { findLocalTemplate } from '../templates/local-template.ts';
import type { Shell } from '../terminal/shell.ts';
import type { BuildFlags } from './build-flags.ts';
import { deployFunctions, type Rollout, type RolloutOptions } from './deploy-functions.ts';
import { deploymentFrom } from './deployment.ts';
import type { SpecFlags } from './deploy-flags.ts';
import type { LoadedProject } from './load-project.ts';
import { resolveTarget } from './resolve-target.ts';

type Flags = BuildFlags & SpecFlags & { readonly readTemplate?: boolean };

/** Deploys the functions of a project, after building those that have a source where `build` is set. */
export async function deployProject(
  shell: Shell,
  client: Client,
  project: LoadedProject,
  flags: Flags,
  options: RolloutOptions & { readonly build: boolean },
): Promise<void> {
  const rollouts = project.functions.map((fn) => rolloutOf(shell, project, fn, flags, options.build));
  await deployFunctions(shell, client, await Promise.all(rollouts), options);
}

async function rolloutOf(
  shell: Shell,
  project: LoadedProject,
  fn: StackFunction,
  flags: Flags,
  build: boolean,
): Promise<Rollout> {
  const environment = await loadEnvironment(fn);
  const deployment = deploymentFrom(await withProcess(project, fn, flags), environment, flags);
  const triggers = fn.triggers ?? [];
  if (!build || fn.skipBuild || fn.handler === undefined) return { deployment, triggers };
  return {
    deployment,
    triggers,
    target: await resolveTarget(shell, project, fn, { ...environment, ...flags.env }, flags),
  };
}

async function withProcess(project: LoadedProject, fn: StackFunction, flags: Flags): Promise<StackFunction> {
  if (flags.readTemplate !== true || fn.fprocess !== undefined || fn.lang === undefined) return fn;
  const fprocess = (await findLocalTemplate(project.directory, fn.lang))?.fprocess;
  return fprocess === undefined ? fn : { ...fn, fprocess };
}
