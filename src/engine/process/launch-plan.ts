import { join } from 'node:path';
import type { InvokeMode } from '../../model/artifact.ts';
import { TinderboxError } from '../../model/errors.ts';
import { parseRevisionId } from '../../model/names.ts';
import type { Identity } from '../../sandbox/sandbox.ts';
import type { Specialise } from '../../frame/messages.ts';
import type { Workload } from '../engine.ts';
import { needsProcess, resolveMode, resolveProcess, servesHttp } from './launch-mode.ts';
import type { ProcessHost } from './process-host.ts';

/** Runtimes of which generic processes can be kept warm. */
export type PooledRuntime = 'node' | 'python';

/** Smaller heaps start faster and stay small; a busy function still grows to its limit. */
const nodeFlags = ['--max-semi-space-size=8'];

/** What is to be executed for a workload, and how calls will reach it. */
export interface LaunchPlan {
  readonly mode: InvokeMode;
  readonly command: readonly string[];
  readonly cwd: string;
  /** Set where a first-party runtime is specialised. */
  readonly runtime: PooledRuntime | 'watchdog' | undefined;
}

/** Pure. Throws `invalid` or `unsupported` when this host can never run the workload. */
export function decideLaunchPlan(host: Pick<ProcessHost, 'runtimes' | 'python'>, workload: Workload): LaunchPlan {
  const { manifest, directory } = workload.artifact;
  const mode = resolveMode(workload);
  const cwd = join(directory, manifest.workdir);
  if (servesHttp(workload)) assertReachable(workload);
  if (mode === 'http') {
    return { mode, command: resolveProcess(workload), cwd, runtime: undefined };
  }
  if (mode === 'fork' && needsProcess(workload)) resolveProcess(workload);
  const runtime = mode === 'fork' ? 'watchdog' : manifest.language === 'python' ? 'python' : 'node';
  return { mode, command: runtimeCommand(host, runtime, workload.name), cwd, runtime };
}

/** Command of a generic first-party runtime. Throws `unsupported` when this host lacks it. */
export function runtimeCommand(
  host: Pick<ProcessHost, 'runtimes' | 'python'>,
  runtime: PooledRuntime | 'watchdog',
  name: string,
): readonly string[] {
  const { node, nodeMain, pythonMain, watchdogMain } = host.runtimes;
  const main = { node: nodeMain, python: pythonMain, watchdog: watchdogMain }[runtime];
  const interpreter = runtime === 'python' ? host.python : node;
  if (main === undefined || interpreter === undefined) {
    const hint = runtime === 'python' ? { hint: 'install python3 (3.9 or newer) where every user can run it' } : {};
    throw new TinderboxError('unsupported', `"${name}" needs the ${runtime} runtime, which this host lacks`, hint);
  }
  return runtime === 'python' ? [interpreter, '-I', '-B', main] : [interpreter, ...nodeFlags, main];
}

/** A program without a network cannot be reached over HTTP; frames come through a Unix socket. */
function assertReachable(workload: Workload): void {
  if (workload.settings.network === 'host') return;
  throw new TinderboxError(
    'unsupported',
    `"${workload.name}" serves HTTP and asks for network "none", so nobody could call it`,
    { hint: 'use mode fork, or network host' },
  );
}

/** The message that makes a runtime this function. `identity` only for a process that still has to change to it. */
export function specialiseFromWorkload(
  workload: Workload,
  instance: string,
  env: Readonly<Record<string, string>>,
  identity: Identity | undefined,
): Specialise {
  const { directory, manifest } = workload.artifact;
  const { namespace, name, revision, settings } = workload;
  const { handler, compileCache } = manifest;
  return {
    instance,
    name,
    namespace,
    revision: revision.slice(parseRevisionId(revision).namespace.length + 1),
    artifact: directory,
    workdir: join(directory, manifest.workdir),
    ...(handler === undefined ? {} : { handler: join(directory, handler) }),
    ...(resolveMode(workload) === 'fork' && needsProcess(workload) ? { process: resolveProcess(workload) } : {}),
    modulePaths: manifest.modulePaths.map((path) => join(directory, path)),
    ...(compileCache === undefined ? {} : { compileCache: join(directory, compileCache) }),
    env,
    ...(identity === undefined ? {} : { identity }),
    concurrency: settings.concurrency,
    timeoutMs: settings.timeoutMs,
  };
}

/** The user a workload runs as, with the group that may read its artifact. */
export function identityFromWorkload(workload: Workload): Identity | undefined {
  const { identity, artifact } = workload;
  if (identity === undefined) return undefined;
  return { ...identity, groups: artifact.gid === undefined ? [] : [artifact.gid] };
}
