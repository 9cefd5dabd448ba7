import { chmod, chown, lchown, mkdir, readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { TinderboxError } from '../model/errors.ts';
import { formatOutcome } from '../model/outcome.ts';
import { watchDisk } from '../sandbox/disk-watch.ts';
import { removeTree } from '../sandbox/remove-tree.ts';
import { runConfined } from '../sandbox/run.ts';
import type { ConfinedOutcome } from '../sandbox/run.ts';
import type { ConfineRequest } from '../sandbox/sandbox.ts';
import type { BuildOrder } from './build-order.ts';
import type { BuildFolders, BuildRunOptions } from './build-run.ts';
import type { BuildStep } from './language-builder.ts';
import { createLogLines } from './log-lines.ts';
import type { BuildPlan } from './plan.ts';
import { resolveStep } from './resolve-step.ts';
import type { StepCommand } from './resolve-step.ts';
import { tempBinds } from './temp-binds.ts';
import type { WorkerSettings } from './worker-protocol.ts';

/** All that the steps of one build share. */
interface StepsContext {
  readonly options: BuildRunOptions;
  readonly order: BuildOrder;
  readonly folders: BuildFolders;
  readonly uid: number | undefined;
  /** Dependency cache of the namespace; no other one can write or read it. */
  readonly cache: string;
  /** `performance.now()` at which the whole build runs out of time. */
  readonly endsAtMs: number;
}

const maxProcesses = 512;
const maxOpenFiles = 16_384;
const maxOutputBytes = 4 * 1024 * 1024;
const killAfterMs = 1000;

/** Runs a plan's untrusted steps, one after the other, as the build's own user. Throws `build-failed` with the last lines. */
export async function runSteps(
  options: BuildRunOptions,
  plan: BuildPlan,
  order: BuildOrder,
  folders: BuildFolders,
  uid: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const cache = join(options.settings.runDir, 'cache', order.namespace);
  const context = { options, order, folders, uid, cache, endsAtMs: performance.now() + options.settings.timeoutMs };
  await prepareFolders(context, plan.steps);
  await withinCacheLimit(context, signal, async (bounded) => {
    for (const [index, step] of plan.steps.entries()) await runStep(context, step, index, bounded);
  });
}

async function prepareFolders(context: StepsContext, steps: readonly BuildStep[]): Promise<void> {
  const { folders, uid, cache } = context;
  const own = [folders.home, folders.temp];
  if (usesModules(steps)) own.push(folders.sitePackages);
  if (usesCompileCache(steps)) own.push(folders.compiled);
  for (const folder of own) await mkdir(folder, { mode: 0o700 });
  await mkdir(cache, { recursive: true });
  await chmod(dirname(cache), 0o711);
  await chmod(cache, 0o700);
  if (uid === undefined) return;
  for (const folder of [...own, cache]) await chown(folder, uid, uid);
  await giveTree(folders.code, uid);
}

/** Whether the artifact gets a folder of Python modules. */
export function usesModules(steps: readonly BuildStep[]): boolean {
  return steps.some((step) => step.args.includes('{modules}'));
}

/** Whether the artifact gets a folder of what was compiled ahead. */
export function usesCompileCache(steps: readonly BuildStep[]): boolean {
  return steps.some((step) => step.args.includes('{compiled}'));
}

/** What is in a folder goes before the folder: nobody else may change it while it is walked through. */
async function giveTree(path: string, uid: number): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await giveTree(join(path, entry.name), uid);
    else await lchown(join(path, entry.name), uid, uid);
  }
  await lchown(path, uid, uid);
}

/** A build that fills its namespace's cache ends, and the cache is emptied. */
async function withinCacheLimit(
  context: StepsContext,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { diskBytes } = context.options.settings;
  const over = new AbortController();
  const full = new AbortController();
  const watching = watchDisk({ dir: context.cache, bytes: diskBytes }, over.signal).then((exceeded) => {
    if (exceeded) full.abort();
  });
  try {
    await run(AbortSignal.any([signal, full.signal]));
  } catch (error) {
    if (!full.signal.aborted || signal.aborted) throw error;
    await removeTree(context.cache);
    throw new TinderboxError('build-failed', `the dependency cache grew over ${diskBytes} bytes and was emptied`, {
      cause: error,
      hint: 'build again; if it happens again, the build itself writes that much',
    });
  } finally {
    over.abort();
    await watching;
  }
}

async function runStep(context: StepsContext, wanted: BuildStep, index: number, signal: AbortSignal): Promise<void> {
  const { port, settings, id } = context.options;
  const step = await resolveStep(wanted, context.folders, context.cache, context.options.toolchain);
  const log = createLogLines((line) => port.log(line));
  port.log(`$ ${wanted.shown ?? describe(step)}`);
  const confined = await port.confine(confineRequest(context, step, `build-${id}-${index}`));
  const outcome = await runConfined(
    confined,
    {
      onOutput: (_stream, line) => log.write(line),
      timeoutMs: Math.min(wanted.timeoutMs ?? Infinity, Math.max(1, Math.round(context.endsAtMs - performance.now()))),
      killAfterMs,
      maxOutputBytes,
      diskLimit: { dir: context.folders.work, bytes: settings.diskBytes },
    },
    signal,
  );
  assertOutcome(wanted, outcome, log.last(), context);
}

function confineRequest(context: StepsContext, step: StepCommand, id: string): ConfineRequest {
  const { settings } = context.options;
  const { folders, uid, cache } = context;
  return {
    id,
    command: step.command,
    env: environmentOf(context, step),
    cwd: step.cwd,
    identity: uid === undefined ? undefined : { uid, gid: uid, groups: [] },
    identityLater: false,
    limits: {
      memoryBytes: settings.memoryBytes,
      // Half a core stays for the platform however many builds there are.
      cpuMillis: Math.max(500, availableParallelism() * 1000 - 500),
      pids: maxProcesses,
      fileBytes: settings.diskBytes,
      openFiles: maxOpenFiles,
    },
    network: 'host',
    isolation: settings.boxed ? 'namespaces' : 'auto',
    binds: tempBinds(folders.temp, settings.runDir, [...step.command, ...step.path]),
    hidden: hiddenFolders(settings),
    writable: [folders.work, cache],
  };
}

/**
 * What belongs to others, readable or not; what is writable inside of it is shown again. The keeper's above all: without
 * root its socket and the word it asks for are open to the user a build runs as. Secrets lie here where no memory can be had.
 */
function hiddenFolders({ runDir, stateDir }: WorkerSettings): string[] {
  const others = ['artifacts', 'cache', 'i', 'keeper', 'secrets', 'build'].map((name) => join(runDir, name));
  return stateDir === undefined ? others : [...others, stateDir];
}

function environmentOf(context: StepsContext, step: StepCommand): Record<string, string> {
  const { settings } = context.options;
  return {
    ...step.env,
    ...context.order.buildArgs,
    ...settings.env,
    HOME: context.folders.home,
    TMPDIR: context.folders.temp,
    PATH: [...step.path, ...settings.toolPath.split(':')].filter((folder) => folder !== '').join(':'),
    LANG: 'C.UTF-8',
    CI: 'true',
    ...cacheVariables(context.cache),
  };
}

/** Where each package manager keeps what it fetched. */
function cacheVariables(cache: string): Record<string, string> {
  return {
    NPM_CONFIG_CACHE: join(cache, 'npm'),
    // A log of npm's own would keep, beyond the build, what its scripts printed.
    NPM_CONFIG_LOGS_MAX: '0',
    PIP_CACHE_DIR: join(cache, 'pip'),
    GOMODCACHE: join(cache, 'go/modules'),
    GOCACHE: join(cache, 'go/build'),
    CARGO_HOME: join(cache, 'cargo'),
    COMPOSER_CACHE_DIR: join(cache, 'composer'),
    BUNDLE_USER_CACHE: join(cache, 'bundle'),
    BUNDLE_GLOBAL_GEM_CACHE: 'true',
    PERL_CPANM_HOME: join(cache, 'cpanm'),
  };
}

function describe(step: StepCommand): string {
  const words = step.command.map((word) => (word.startsWith('/') ? word.slice(word.lastIndexOf('/') + 1) : word));
  return words.join(' ');
}

function assertOutcome(
  step: BuildStep,
  outcome: ConfinedOutcome,
  lines: readonly string[],
  context: StepsContext,
): void {
  if (outcome.canceled) throw new TinderboxError('canceled', 'the build was canceled');
  const { diskBytes, timeoutMs, memoryBytes } = context.options.settings;
  const late = outcome.timedOut && (step.timeoutMs === undefined || performance.now() >= context.endsAtMs);
  const broken = outcome.diskExceeded || late || outcome.oomKilled;
  if (outcome.ok || (step.optional === true && !broken)) return;
  const reason = outcome.diskExceeded ? `it wrote more than ${diskBytes} bytes` : formatOutcome(outcome);
  const limit = outcome.timedOut ? ` (${timeoutMs} ms)` : outcome.oomKilled ? ` (${memoryBytes} bytes)` : '';
  const tail = lines.length === 0 ? '' : `\n${lines.join('\n')}`;
  throw new TinderboxError('build-failed', `build step ${step.name} failed: ${reason}${limit}${tail}`);
}
