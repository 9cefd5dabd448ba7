import { chmod, chown, lchown, mkdir, readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { TinderboxError } from '../model/errors.ts';
import { formatOutcome } from '../model/outcome.ts';
import { watchDisk } from '../sandbox/disk-watch.ts';
import { removeTree } from '../sandbox/remove-tree.ts';
import { runConfined } from '../sandbox/run.ts';
import type { ConfinedOutcome } from '../sandbox/run.ts';
import type { Bind, ConfineRequest } from '../sandbox/sandbox.ts';
import type { BuildOrder } from './build-order.ts';
import type { BuildFolders, BuildRunOptions } from './build-run.ts';
import { createLogLines } from './log-lines.ts';
import type { BuildPlan, StepKind } from './plan.ts';
import { resolveStepCommand } from './step-commands.ts';
import type { StepCommand } from './step-commands.ts';
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
    for (const [index, kind] of plan.steps.entries()) await runStep(context, kind, index, bounded);
  });
}

async function prepareFolders(context: StepsContext, steps: readonly StepKind[]): Promise<void> {
  const { folders, uid, cache } = context;
  const own = [folders.home, folders.temp, ...(steps.includes('compile-python') ? [folders.sitePackages] : [])];
  for (const folder of own) await mkdir(folder, { mode: 0o700 });
  await mkdir(cache, { recursive: true });
  await chmod(dirname(cache), 0o711);
  await chmod(cache, 0o700);
  if (uid === undefined) return;
  for (const folder of [...own, cache]) await chown(folder, uid, uid);
  await giveTree(folders.code, uid);
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

async function runStep(context: StepsContext, kind: StepKind, index: number, signal: AbortSignal): Promise<void> {
  const { port, settings, id } = context.options;
  const step = await resolveStepCommand(kind, context.folders, context.options.toolchain);
  const log = createLogLines((line) => port.log(line));
  port.log(`$ ${describe(step)}`);
  const confined = await port.confine(confineRequest(context, step, `build-${id}-${index}`));
  const outcome = await runConfined(
    confined,
    {
      onOutput: (_stream, line) => log.write(line),
      timeoutMs: Math.max(1, Math.round(context.endsAtMs - performance.now())),
      killAfterMs,
      maxOutputBytes,
      diskLimit: { dir: context.folders.work, bytes: settings.diskBytes },
    },
    signal,
  );
  assertOutcome(kind, step, outcome, log.last(), context);
}

function confineRequest(context: StepsContext, step: StepCommand, id: string): ConfineRequest {
  const { settings } = context.options;
  const { folders, uid, cache } = context;
  return {
    id,
    command: step.command,
    env: environmentOf(context, step),
    cwd: folders.code,
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
    binds: bindsOf(context),
    hidden: hiddenFolders(settings),
    writable: [folders.work, cache],
  };
}

/** What belongs to others, readable or not; what is writable inside of it is shown again. */
function hiddenFolders({ runDir, stateDir }: WorkerSettings): string[] {
  const others = ['artifacts', 'cache', 'i'].map((name) => join(runDir, name));
  return stateDir === undefined ? others : [...others, stateDir];
}

/** The build's own folder in place of those everybody may write to. */
function bindsOf(context: StepsContext): Bind[] {
  const { runDir } = context.options.settings;
  const shared = ['/tmp', '/var/tmp'].filter((folder) => !`${runDir}/`.startsWith(`${folder}/`));
  return shared.map((target) => ({ source: context.folders.temp, target, readOnly: false }));
}

function environmentOf(context: StepsContext, step: StepCommand): Record<string, string> {
  const { settings } = context.options;
  return {
    ...context.order.buildArgs,
    ...settings.env,
    HOME: context.folders.home,
    TMPDIR: context.folders.temp,
    PATH: [...step.path, ...settings.toolPath.split(':')].filter((folder) => folder !== '').join(':'),
    LANG: 'C.UTF-8',
    CI: 'true',
    NPM_CONFIG_CACHE: join(context.cache, 'npm'),
    PIP_CACHE_DIR: join(context.cache, 'pip'),
  };
}

function describe(step: StepCommand): string {
  const words = step.command.map((word) => (word.startsWith('/') ? word.slice(word.lastIndexOf('/') + 1) : word));
  return words.join(' ');
}

function assertOutcome(
  kind: StepKind,
  step: StepCommand,
  outcome: ConfinedOutcome,
  lines: readonly string[],
  context: StepsContext,
): void {
  if (outcome.canceled) throw new TinderboxError('canceled', 'the build was canceled');
  const { diskBytes, timeoutMs, memoryBytes } = context.options.settings;
  const broken = outcome.diskExceeded || outcome.timedOut || outcome.oomKilled;
  if (outcome.ok || (!step.required && !broken)) return;
  const reason = outcome.diskExceeded ? `it wrote more than ${diskBytes} bytes` : formatOutcome(outcome);
  const limit = outcome.timedOut ? ` (${timeoutMs} ms)` : outcome.oomKilled ? ` (${memoryBytes} bytes)` : '';
  const tail = lines.length === 0 ? '' : `\n${lines.join('\n')}`;
  throw new TinderboxError('build-failed', `build step ${kind} failed: ${reason}${limit}${tail}`);
}
