/**
 * One build inside the worker: plan, stage, run the untrusted steps, seal, put in place.
 *
 * Owns `runDir/artifacts/.tmp-<id>` from staging to the end and removes it whatever happens.
 * 1. Nothing untrusted runs outside a cage, and every cage is empty before the result is read.
 * 2. `runDir/artifacts/<hex>` appears in one rename, complete and on disk, or not at all; one that is replaced lies
 *    beside it until then.
 */
import { chmod, lchown, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Manifest } from '../model/artifact.ts';
import { TinderboxError } from '../model/errors.ts';
import { removeTree } from '../sandbox/remove-tree.ts';
import type { Confined, ConfineRequest } from '../sandbox/sandbox.ts';
import { assertProgram } from './assert-program.ts';
import type { BuildOrder } from './build-order.ts';
import { readDependencies } from './dependencies.ts';
import { computeDigest } from './digest.ts';
import type { HostFacts } from './host-facts.ts';
import { planBuild } from './plan.ts';
import type { BuildPlan } from './plan.ts';
import { runSteps, usesCompileCache, usesModules } from './run-steps.ts';
import { sealArtifact, syncPath } from './seal-artifact.ts';
import { hashSourceTree, readSourceTree } from './source-tree.ts';
import type { SourceTree } from './source-tree.ts';
import { stageAdded, stageSource, stageTypeScript } from './stage-source.ts';
import type { Toolchain } from './toolchain.ts';
import type { ToolName } from './tools.ts';
import type { TypeScriptCompiler } from './type-script-compiler.ts';
import type { BuildGrant, BuiltArtifact, PlannedBuild, WorkerSettings } from './worker-protocol.ts';
import { asidePrefix } from './worker-protocol.ts';

/** What the platform does for a build. */
export interface BuildPort {
  log(line: string): void;
  confine(request: ConfineRequest): Promise<Confined>;
}

export interface BuildRunOptions {
  readonly id: string;
  readonly settings: WorkerSettings;
  readonly host: HostFacts;
  readonly toolchain: Toolchain;
  readonly typeScript: TypeScriptCompiler;
  readonly port: BuildPort;
}

export interface BuildRun {
  plan(order: BuildOrder): Promise<PlannedBuild>;
  /** Once, after `plan`. */
  build(grant: BuildGrant, signal: AbortSignal): Promise<BuiltArtifact>;
}

/** Folders of a build in progress. */
export interface BuildFolders {
  /** The platform's own; holds the rest. */
  readonly work: string;
  /** Becomes the artifact. */
  readonly bundle: string;
  readonly code: string;
  readonly sitePackages: string;
  readonly compiled: string;
  readonly home: string;
  readonly temp: string;
  /** Where the bundle will be. */
  readonly final: string;
}

interface Planned {
  readonly order: BuildOrder;
  readonly tree: SourceTree;
  readonly plan: BuildPlan;
  readonly version: string;
  readonly digest: string;
}

const maxSourceEntries = 50_000;
const compileCache = 'compile-cache';

export function createBuildRun(options: BuildRunOptions): BuildRun {
  let planned: Planned | undefined;
  return {
    async plan(order) {
      planned = await planOrder(options, order);
      return { digest: planned.digest, confines: planned.plan.steps.length > 0 };
    },
    async build(grant, signal) {
      if (planned === undefined) throw new TinderboxError('internal', 'a build has to be planned first');
      const folders = foldersOf(options, planned.digest);
      try {
        return await buildPlanned(options, planned, folders, grant, signal);
      } finally {
        await removeTree(folders.work);
      }
    },
  };
}

async function planOrder(options: BuildRunOptions, order: BuildOrder): Promise<Planned> {
  const limits = { entries: maxSourceEntries, bytes: options.settings.diskBytes };
  const tree = await readSourceTree(order.directory, limits);
  const plan = await planBuild(tree, order, async (path) => await readFile(join(tree.root, path), 'utf8'));
  const version = await options.toolchain.version(toolsOf(plan));
  const digest = computeDigest(await hashSourceTree(tree), plan, order, version, options.host);
  return { order, tree, plan, version, digest };
}

/** What a plan does not name follows from what runs it. */
function toolsOf(plan: BuildPlan): readonly ToolName[] {
  return plan.tools ?? (plan.runtime === 'exec' ? [] : [plan.runtime]);
}

function foldersOf(options: BuildRunOptions, digest: string): BuildFolders {
  const artifacts = join(options.settings.runDir, 'artifacts');
  const work = join(artifacts, `.tmp-${options.id}`);
  const bundle = join(work, 'bundle');
  return {
    work,
    bundle,
    code: join(bundle, 'code'),
    sitePackages: join(bundle, 'site-packages'),
    compiled: join(bundle, compileCache),
    home: join(work, 'home'),
    temp: join(work, 'tmp'),
    final: join(artifacts, digest.slice('sha256:'.length)),
  };
}

async function buildPlanned(
  options: BuildRunOptions,
  planned: Planned,
  folders: BuildFolders,
  grant: BuildGrant,
  signal: AbortSignal,
): Promise<BuiltArtifact> {
  const { plan, tree, order } = planned;
  signal.throwIfAborted();
  await mkdir(folders.bundle, { recursive: true });
  await chmod(folders.work, 0o711);
  await chmod(folders.bundle, 0o711);
  await stageSource(tree, plan.root, folders.code);
  await stageAdded(plan.files ?? [], folders.code);
  for (const note of plan.notes ?? []) options.port.log(note);
  const handler = await stageTypeScript(options.typeScript, planned, folders.code, signal);
  const untrusted = plan.steps.length > 0;
  if (untrusted) await runSteps(options, plan, order, folders, grant.buildUid, signal);
  signal.throwIfAborted();
  if (plan.process !== undefined) await assertProgram(plan.process, folders.code);
  const builtBy = untrusted ? grant.buildUid : undefined;
  const seal = { foreign: untrusted, builtBy, gid: grant.artifactGid };
  let bytes = await sealArtifact(folders.code, seal);
  const hasModules = usesModules(plan.steps.filter((step) => step.tool === 'pip'));
  if (hasModules) bytes += await sealArtifact(folders.sitePackages, seal);
  const hasCompiled = usesCompileCache(plan.steps);
  if (hasCompiled) bytes += await sealArtifact(folders.compiled, seal);
  const manifest = await createManifest(options, planned, folders, { handler, hasModules, hasCompiled });
  bytes += await writeManifest(folders.bundle, manifest, grant.artifactGid);
  signal.throwIfAborted();
  await putInPlace(folders);
  return { manifest, bytes };
}

/** What of an artifact not every one has. */
interface Made {
  readonly handler: string | undefined;
  readonly hasModules: boolean;
  readonly hasCompiled: boolean;
}

async function createManifest(
  options: BuildRunOptions,
  planned: Planned,
  folders: BuildFolders,
  { handler, hasModules, hasCompiled }: Made,
): Promise<Manifest> {
  const { plan } = planned;
  return {
    format: 1,
    language: plan.runtime,
    mode: plan.mode,
    ...(handler === undefined ? {} : { handler: `code/${handler}` }),
    ...(plan.process === undefined ? {} : { process: plan.process }),
    workdir: 'code',
    ...(plan.env === undefined ? {} : { env: plan.env }),
    modulePaths: hasModules ? ['site-packages'] : [],
    ...(hasCompiled ? { compileCache } : {}),
    dependencies: plan.steps.length === 0 ? {} : await readDependencies(folders),
    toolchain: planned.version,
    builder: options.host.builder,
  };
}

async function writeManifest(bundle: string, manifest: Manifest, gid: number | undefined): Promise<number> {
  const file = join(bundle, 'manifest.json');
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeFile(file, text, { mode: gid === undefined ? 0o644 : 0o640, flag: 'wx' });
  if (gid !== undefined) {
    await lchown(file, 0, gid);
    await lchown(bundle, 0, gid);
  }
  await chmod(bundle, gid === undefined ? 0o755 : 0o750);
  await syncPath(file);
  await syncPath(bundle);
  return Buffer.byteLength(text);
}

/**
 * A forced build takes the place of the equal artifact; who runs that one keeps its path. Cut off in between, the sweep of
 * the next start puts the old one back.
 */
async function putInPlace({ bundle, final }: BuildFolders): Promise<void> {
  const aside = join(dirname(final), asidePrefix + basename(final));
  await removeTree(aside);
  await rename(final, aside).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  try {
    await rename(bundle, final);
  } catch (error) {
    await rename(aside, final).catch(() => undefined);
    throw error;
  }
  await syncPath(dirname(final));
  await removeTree(aside);
}
