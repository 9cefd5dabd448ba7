import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createBuilder } from './builder/create-builder.ts';
import { defaultUnpackLimits, unpackSource } from './builder/unpack.ts';
import type { Config } from './config/config.ts';
import { formWorkload } from './control/form-workload.ts';
import { createProcessEngine } from './engine/process/engine.ts';
import type { Engine, Workload } from './engine/engine.ts';
import { createGateway } from './gateway/create-gateway.ts';
import { createIdentities } from './identity/stored-identities.ts';
import type { Artifact } from './model/artifact.ts';
import { TinderboxError } from './model/errors.ts';
import type { FunctionSpec } from './model/function.ts';
import type { Instance } from './model/instance.ts';
import type { LogLine } from './model/log-line.ts';
import { formatFunctionKey, formatRevisionId } from './model/names.ts';
import { formatOutcome } from './model/outcome.ts';
import { createRouter } from './router/create-router.ts';
import { createSandbox } from './sandbox/create-sandbox.ts';
import { createMemoryStore } from './store/memory/memory-store.ts';

/** One function to run by itself. */
export interface RunRequest {
  /** Its source, as the platform's builder takes it. */
  readonly source: Readable;
  readonly spec: FunctionSpec;
  readonly secrets: Readonly<Record<string, Buffer>>;
  readonly version: string;
  onBuildLine(line: string): void;
  onLine(line: LogLine): void;
}

export interface RunningFunction {
  /** Every path of it is the function's. */
  readonly url: string;
  /** Lets calls in flight end, stops the function, removes all files. Idempotent. */
  close(): Promise<void>;
}

const drainMs = 10_000;
/** Ids that one run needs: of its build, its artifact and itself. */
const idsPerRun = 8;

/**
 * A composition root of its own: builds one function and runs it behind walls like those of a platform, without store,
 * scaler, API or login, in a temporary folder that is gone afterwards. Config says where it listens and what its limits
 * are. Rejects with the failed build, or with `cannot-start` and the reason.
 */
export async function runFunction(config: Config, request: RunRequest, signal: AbortSignal): Promise<RunningFunction> {
  const stack = new AsyncDisposableStack();
  try {
    const url = await startParts(config, request, stack, signal);
    return { url, close: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function startParts(
  config: Config,
  request: RunRequest,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), 'tbr-'));
  stack.defer(() => rm(base, { recursive: true, force: true, maxRetries: 5 }));
  await chmod(base, 0o711);
  const places = { ...config, stateDir: join(base, 's'), runDir: join(base, 'r') };
  await mkdir(places.stateDir, { mode: 0o700 });
  await mkdir(places.runDir, { mode: 0o711 });
  const sandbox = await createSandbox(places);
  stack.defer(() => sandbox.close());
  const store = createMemoryStore();
  const identities = createIdentities(store, await ownIds(config, base));
  const builder = await createBuilder({
    runDir: places.runDir,
    stateDir: places.stateDir,
    store,
    sandbox,
    identities,
    build: config.build,
  });
  stack.defer(() => builder.close());
  const artifact = await build(builder, request, join(base, 'source'), signal);
  const owner = formatFunctionKey(request.spec.namespace, request.spec.name);
  const uid = sandbox.abilities.root ? await identities.assign('function', owner) : undefined;
  const { spec, secrets } = request;
  const revision = formatRevisionId(spec.namespace, spec.name, 1);
  const workload = formWorkload({ revision, spec, artifact, uid, secrets });
  const engine = createProcessEngine({
    ...places,
    sandbox,
    sweptFolders: [builder.secretsRoot],
    pool: { node: 0, python: 0 },
    whenIdle: (instanceId) => router.whenIdle(instanceId),
  });
  stack.defer(() => engine.close());
  const router = createRouter({
    hooks: {
      wake: () => untilReady(engine, signal),
      retire: (instance, reason) => engine.retire(instance, reason),
      ownsAddress: (instance) => engine.ownsAddress(instance),
    },
    budget: config.budget,
  });
  stack.defer(() => router.close(AbortSignal.timeout(drainMs)));
  stack.defer(engine.watch((change) => router.instanceChanged(change)));
  await engine.start();
  stack.defer(printLines(engine, request));
  await engine.apply(workload);
  await engine.scale(workload.revision, 1);
  await untilReady(engine, signal);
  return listen(config, request, router, workload, stack);
}

/** Ids of the top of the range, chosen by the folder's inode, so that they are hardly those of a platform or another run. */
async function ownIds({ uids }: Config, base: string): Promise<{ first: number; last: number }> {
  const slots = Math.max(1, Math.floor((uids.last - uids.first + 1) / 4 / idsPerRun));
  const slot = (await stat(base)).ino % slots;
  const last = uids.last - slot * idsPerRun;
  return { first: Math.max(uids.first, last - idsPerRun + 1), last };
}

async function build(
  builder: Awaited<ReturnType<typeof createBuilder>>,
  request: RunRequest,
  directory: string,
  signal: AbortSignal,
): Promise<Artifact> {
  const { config } = await unpackSource(request.source, directory, defaultUnpackLimits, signal);
  const { image, buildArgs, lang, process, mode } = config;
  const order = {
    namespace: request.spec.namespace,
    image,
    directory,
    ...(lang === undefined ? {} : { language: lang }),
    ...(process === undefined ? {} : { process }),
    ...(mode === undefined ? {} : { mode }),
    buildArgs,
    noCache: true,
  };
  return builder.build(order, (line) => request.onBuildLine(line), signal);
}

/** Resolves when an instance takes calls. Rejects with `cannot-start` when one failed, and with the abort. */
async function untilReady(engine: Engine, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = (instance: Instance): void => {
    if (instance.state === 'ready') resolve();
    if (instance.state !== 'failed') return;
    const why =
      instance.reason ?? (instance.outcome === undefined ? 'no reason is known' : formatOutcome(instance.outcome));
    reject(new TinderboxError('cannot-start', `the function does not start: ${why}`));
  };
  const leave = (): void => reject(new TinderboxError('canceled', 'the run was canceled'));
  const unwatch = engine.watch(({ instance }) => look(instance));
  signal.addEventListener('abort', leave, { once: true });
  try {
    if (signal.aborted) leave();
    for (const instance of engine.instances()) if (instance.state === 'ready') resolve();
    await promise;
  } finally {
    unwatch();
    signal.removeEventListener('abort', leave);
  }
}

/** Passes on what the function writes; returns the way to stop. */
function printLines(engine: Engine, request: RunRequest): () => Promise<void> {
  const { spec } = request;
  const stop = new AbortController();
  const query = { namespace: spec.namespace, name: spec.name, follow: true };
  const reading = (async () => {
    for await (const line of engine.logs(query, stop.signal)) request.onLine(line);
  })().catch(() => undefined);
  return async () => {
    stop.abort();
    await reading;
  };
}

async function listen(
  config: Config,
  { spec, version }: RunRequest,
  router: ReturnType<typeof createRouter>,
  workload: Workload,
  stack: AsyncDisposableStack,
): Promise<string> {
  const key = formatFunctionKey(spec.namespace, spec.name);
  router.setRoute({ key, revision: workload.revision, settings: workload.settings });
  const refuse = async (): Promise<never> => {
    throw new TinderboxError('unsupported', 'nothing is stored here: one function runs without a platform');
  };
  const gateway = createGateway({
    config,
    version,
    sole: key,
    invoke: router.invoke,
    routeExists: (wanted) => wanted === key,
    async: { accept: refuse, cancel: refuse, bodyBytes: 0 },
    control: (_request, response) => void response.writeHead(404).end(),
    auth: { check: () => false },
  });
  const { url } = await gateway.listen();
  stack.defer(() => gateway.close(AbortSignal.timeout(drainMs)));
  return url;
}
