import { join, resolve } from 'node:path';
import type { Client } from '../client/client.ts';
import { TinderboxError } from '../model/errors.ts';
import { connect } from './connection/connect.ts';
import { isDebugging } from './connection/trace-requests.ts';
import type { DeployFlags } from './deploy.ts';
import { type PublishFlags, publishProject } from './publish.ts';
import { assertPushed } from './push.ts';
import { unusedBuildFlags, warnOfUnused } from './rollout/build-flags.ts';
import { buildFunctions } from './rollout/build-functions.ts';
import { imageName } from './rollout/build-target.ts';
import { createPlatformBuilder } from './rollout/platform-builder.ts';
import { rolloutOptions } from './rollout/deploy-flags.ts';
import { deployProject } from './rollout/deploy-project.ts';
import { type LoadedProject, loadProject, targetsOf } from './rollout/load-project.ts';
import { shrinkwrap } from './rollout/shrinkwrap.ts';
import { printError } from './terminal/print-error.ts';
import type { Shell } from './terminal/shell.ts';
import { type Changes, type Watched, watchProject } from './watch/watch-project.ts';

/** Values of the flags of `up` where it deploys. */
export type UpStackFlags = DeployFlags &
  PublishFlags & {
    readonly publish?: boolean;
    readonly skipPush?: boolean;
    readonly skipDeploy?: boolean;
    readonly watch?: boolean;
    readonly stackFile?: string;
  };

/** Builds, pushes and deploys the stack file: `build`, `push` and `deploy` in one, again with each change on request. */
export async function upStack(shell: Shell, flags: UpStackFlags): Promise<void> {
  warnOfUnused(shell, { ...flags }, [...unusedBuildFlags, '--network']);
  if (flags.watch !== true) return upOnce(shell, flags, await loadProject(shell, flags));
  let project = await loadProject(shell, flags);
  assertSources(project);
  let [isFirst, problem]: [boolean, unknown] = [true, undefined];
  const listPaths = async (): Promise<readonly Watched[]> => {
    try {
      problem = undefined;
      if (!isFirst) project = await loadProject(shell, flags);
    } catch (reason) {
      problem = reason;
    }
    return watchedPaths(shell, project, flags);
  };
  const onChange = async (changes: Changes): Promise<void> => {
    if (changes.all && problem !== undefined) tell(shell, problem);
    else await upAndTell(shell, flags, project, changes, isFirst);
    if (changes.all) {
      shell.stdout.write(`[Watch] ${project.functions.length} function(s); a change is deployed, Ctrl-C ends\n`);
    }
    isFirst = false;
  };
  await watchProject(listPaths, onChange, shell.signal);
  shell.signal.throwIfAborted();
}

/** A mistake while watching is told, and the next change may mend it. */
async function upAndTell(
  shell: Shell,
  flags: UpStackFlags,
  project: LoadedProject,
  changes: Changes,
  isFirst: boolean,
): Promise<void> {
  const startedMs = performance.now();
  try {
    if (!changes.all) shell.stdout.write(`[Watch] ${[...changes.owners].join(', ')} changed\n`);
    await upOnce(shell, flags, project, changes.all ? undefined : changes.owners);
    if (!isFirst) shell.stdout.write(`[Watch] done in ${Math.round(performance.now() - startedMs)} ms\n`);
  } catch (reason) {
    tell(shell, reason);
  }
}

function tell(shell: Shell, reason: unknown): void {
  if (shell.signal.aborted) throw reason;
  printError(shell, reason);
}

async function upOnce(
  shell: Shell,
  flags: UpStackFlags,
  whole: LoadedProject,
  only?: ReadonlySet<string>,
): Promise<void> {
  const functions = only === undefined ? whole.functions : whole.functions.filter((fn) => only.has(fn.name));
  const project = { ...whole, functions };
  if (flags.shrinkwrap === true) return shrinkwrap(shell, await targetsOf(shell, project, flags));
  const client = await connect(shell, flags, project.gateway);
  const build = await preparing(shell, client, project, flags);
  if (flags.skipDeploy === true) return;
  await deployProject(shell, client, project, flags, { ...rolloutOptions(shell, flags), build });
}

/** What comes before the deploys; resolves with whether they build their functions themselves, each right before its own. */
async function preparing(shell: Shell, client: Client, project: LoadedProject, flags: UpStackFlags): Promise<boolean> {
  const remote = flags.remoteBuilder ?? shell.env['OPENFAAS_REMOTE_BUILDER'] ?? '';
  if (flags.publish === true || remote !== '') {
    await publishProject(shell, project, flags);
    return false;
  }
  if (flags.skipDeploy !== true) return true;
  const options = rolloutOptions(shell, flags);
  await buildFunctions(
    createPlatformBuilder(client),
    await targetsOf(shell, project, flags),
    options.parallel,
    options.progress,
  );
  const images = project.functions.filter((fn) => !fn.skipBuild).map((fn) => imageName(fn.image ?? fn.name));
  if (flags.skipPush !== true) await assertPushed(shell, client, images, true);
  return false;
}

function assertSources({ functions }: LoadedProject): void {
  if (functions.some((fn) => !fn.skipBuild && fn.handler !== undefined)) return;
  throw new TinderboxError('invalid', 'there is no source to watch: no function has a handler');
}

function watchedPaths(shell: Shell, project: LoadedProject, flags: UpStackFlags): readonly Watched[] {
  const handlers = project.functions.flatMap((fn) =>
    fn.skipBuild || fn.handler === undefined ? [] : [{ owner: fn.name, path: fn.handler }],
  );
  const shared = [
    ...['stack.yaml', 'stack.yml', 'func.yaml'].map((name) => join(project.directory, name)),
    ...(flags.yaml === undefined ? [] : [resolve(shell.cwd, flags.yaml)]),
    ...project.copy,
    ...project.functions.flatMap((fn) => (fn.lang === undefined ? [] : [join(project.directory, 'template', fn.lang)])),
    ...project.functions.flatMap((fn) => fn.environmentFiles),
  ];
  const watched = [...handlers, ...[...new Set(shared)].map((path) => ({ owner: undefined, path }))];
  if (isDebugging(shell)) for (const { path } of watched) shell.stderr.write(`[Watch] added: ${path}\n`);
  return watched;
}
