import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
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
import type { Shell, Terminal } from './terminal/shell.ts';
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
  if (flags.watch !== true) return upOnce(shell, flags);
  let project = await loadProject(shell, flags);
  await upAndTell(shell, flags);
  const listPaths = async (): Promise<readonly Watched[]> => {
    // What is wrong with it was told a moment ago.
    project = await loadProject({ ...shell, stderr: silent() }, flags).catch(() => project);
    const paths = await watchedPaths(shell, project, flags);
    shell.stdout.write(`[Watch] ${project.functions.length} function(s); a change is deployed, Ctrl-C ends\n`);
    return paths;
  };
  await watchProject(listPaths, (changes) => upAndTell(shell, flags, project, changes), shell.signal);
  shell.signal.throwIfAborted();
}

function silent(): Terminal {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/** A mistake while watching is told, and the next change may mend it. */
async function upAndTell(shell: Shell, flags: UpStackFlags, project?: LoadedProject, changes?: Changes): Promise<void> {
  const startedMs = performance.now();
  try {
    const only = changes === undefined || changes.all ? undefined : changes.owners;
    if (only !== undefined) shell.stdout.write(`[Watch] ${[...only].join(', ')} changed\n`);
    await upOnce(shell, flags, only, changes?.all === true ? undefined : project);
    if (changes !== undefined) shell.stdout.write(`[Watch] done in ${Math.round(performance.now() - startedMs)} ms\n`);
  } catch (reason) {
    if (shell.signal.aborted) throw reason;
    printError(shell, reason);
  }
}

async function upOnce(
  shell: Shell,
  flags: UpStackFlags,
  only?: ReadonlySet<string>,
  loaded?: LoadedProject,
): Promise<void> {
  const whole = loaded ?? (await loadProject(shell, flags));
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

async function watchedPaths(shell: Shell, project: LoadedProject, flags: UpStackFlags): Promise<readonly Watched[]> {
  const handlers = project.functions.flatMap((fn) =>
    fn.skipBuild || fn.handler === undefined ? [] : [{ owner: fn.name, path: fn.handler }],
  );
  if (handlers.length === 0)
    throw new TinderboxError('invalid', 'there is no source to watch: no function has a handler');
  const shared = [
    ...['stack.yaml', 'stack.yml', 'func.yaml'].map((name) => join(project.directory, name)),
    ...(flags.yaml === undefined ? [] : [join(shell.cwd, flags.yaml)]),
    ...project.copy,
    ...project.functions.flatMap((fn) => (fn.lang === undefined ? [] : [join(project.directory, 'template', fn.lang)])),
    ...project.functions.flatMap((fn) => fn.environmentFiles),
  ];
  const there = await Promise.all([...new Set(shared)].map(async (path) => ((await isThere(path)) ? [path] : [])));
  const watched = [...handlers, ...there.flat().map((path) => ({ owner: undefined, path }))];
  if (isDebugging(shell)) for (const { path } of watched) shell.stderr.write(`[Watch] added: ${path}\n`);
  return watched;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
