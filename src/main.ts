import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Api, createApi } from './api/api.ts';
import { type Auth, createAuth } from './auth/auth.ts';
import { createBuildSignatures } from './auth/build-signature.ts';
import { createBuilder } from './builder/create-builder.ts';
import { createStockedBuilder, readStock } from './builder/stocked-builder.ts';
import type { Config } from './config/config.ts';
import { createControl } from './control/control.ts';
import type { Engine } from './engine/engine.ts';
import { createProcessEngine } from './engine/process/engine.ts';
import { createGateway } from './gateway/create-gateway.ts';
import { startPortal } from './gateway/portal.ts';
import { followFunctions } from './events/schedule/follow-functions.ts';
import { createScheduler } from './events/schedule/scheduler.ts';
import { createStoredMemory } from './events/schedule/stored-memory.ts';
import { createIdentities } from './identity/stored-identities.ts';
import type { Instance } from './model/instance.ts';
import { formatFunctionKey, parseRevisionId } from './model/names.ts';
import { recordFolders } from './model/record-keys.ts';
import { startIdleCollector } from './observe/idle-collector.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { startMetricsServer } from './observe/metrics-server.ts';
import { type AsyncCalls, createAsyncCalls } from './queue/async-calls.ts';
import { ownPath } from './queue/own-path.ts';
import { createAddressRule } from './queue/public-address.ts';
import { createSqliteQueue } from './queue/sqlite/sqlite-queue.ts';
import { createRouter } from './router/create-router.ts';
import type { LoadSnapshot, Router, RouterHooks } from './router/router.ts';
import { createSandbox } from './sandbox/create-sandbox.ts';
import { assertPassable } from './sandbox/passable.ts';
import type { Abilities } from './sandbox/sandbox.ts';
import { assertUnshared } from './sandbox/unshared.ts';
import { readProgramUsage } from './sandbox/program-usage.ts';
import { measureUsage } from './sandbox/usage-meter.ts';
import { createScaler } from './scaler/scaler.ts';
import { createSealedSecrets } from './secrets/sealed-secrets.ts';
import { createSecrets } from './secrets/secrets.ts';
import { lockFolder } from './store/lock.ts';
import { makeFolder } from './store/make-folder.ts';
import { createSqliteStore } from './store/sqlite/sqlite-store.ts';
import type { Store } from './store/store.ts';

/** A running platform, as `tinderbox up` sees it. */
export interface Platform {
  readonly url: string;
  readonly portalUrl: string;
  readonly metricsUrl: string;
  readonly user: string;
  readonly passwordFile: string;
  /** Present when it was made just now. */
  readonly newPassword: string | undefined;
  readonly abilities: Abilities;
  /** Drains calls, stops instances, lets go of everything in reverse order. Idempotent. */
  close(): Promise<void>;
}

/** What the composition needs besides the configuration. */
export interface PlatformOptions {
  /** Folder with the portal's page. */
  readonly portalDir: string;
  /** File of the store of functions that comes along. */
  readonly storeFile: string;
  readonly version: string;
}

const drainMs = 20_000;

/**
 * The composition root: builds every part, starts them in order, and stops them in reverse, also when a later one
 * could not start. Rejects with a TinderboxError that names the cause.
 */
export async function startPlatform(config: Config, options: PlatformOptions): Promise<Platform> {
  const stack = new AsyncDisposableStack();
  try {
    const started = await startParts(config, options, stack);
    return { ...started, close: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function startParts(
  config: Config,
  options: PlatformOptions,
  stack: AsyncDisposableStack,
): Promise<Omit<Platform, 'close'>> {
  const base = await startBase(config, stack);
  const passwordFile = join(config.stateDir, 'password');
  const auth = await createAuth({ user: config.user, password: config.password, passwordFile });
  const plane = await startDataPlane(config, base, stack);
  const stock = await readStock(options.storeFile);
  const place: Place = { port: 0 };
  const background = await startBackground(config, options, { ...base, ...plane, place }, stack);
  const api = await createApi({
    ...base,
    ...plane,
    ...background,
    builder: createStockedBuilder(base.builder, stock),
    functionStore: stock.text,
    sourceDir: join(config.runDir, 'sources'),
    version: { release: options.version, sha: options.version, commitMessage: `tinderbox ${options.version}` },
    invocationCount: (key) => plane.metrics.invocationCount(key),
    usage: (instances) => measureUsage(pidsOf(instances), (pid) => readProgramUsage(base.sandbox.cages, pid)),
    hostMemoryBytes: config.budget.memoryBytes,
    maxUploadBytes: config.limits.bodyBytes,
    signatures: await createBuildSignatures(config.build.payloadSecretFile),
    sealed: await createSealedSecrets(join(config.stateDir, 'build-secrets.key')),
  });
  stack.defer(() => api.close());
  const metricsServer = await startMetricsServer(plane.metrics, config.metricsPort);
  stack.defer(() => metricsServer.close());
  const edges = await startEdges(config, options, { ...background, auth, api, router: plane.router, place }, stack);
  return {
    ...edges,
    metricsUrl: `http://127.0.0.1:${metricsServer.port}/metrics`,
    user: config.user,
    passwordFile,
    newPassword: auth.newPassword,
    abilities: base.sandbox.abilities,
  };
}

/** Of what runs now; those that ended have nothing to measure. */
function pidsOf(instances: readonly Instance[]): readonly number[] {
  return instances.flatMap(({ pid, state }) =>
    pid === undefined || state === 'stopped' || state === 'failed' ? [] : [pid],
  );
}

/** Where the gateway listens, once it does. */
interface Place {
  port: number;
}

interface EdgeParts {
  readonly auth: Auth;
  readonly api: Api;
  readonly router: Router;
  readonly calls: AsyncCalls;
  readonly place: Place;
}

/** What listens for people and programs. */
async function startEdges(
  config: Config,
  options: PlatformOptions,
  { auth, api, router, calls, place }: EdgeParts,
  stack: AsyncDisposableStack,
): Promise<Pick<Platform, 'url' | 'portalUrl'>> {
  const portal = await startPortal({
    host: config.host,
    port: config.portalPort,
    directory: options.portalDir,
    authorize: (header) => auth.check(header),
    control: api.handler,
    functionsPort: () => place.port,
  });
  stack.defer(() => portal.close());
  const portalUrl = `http://${config.host}:${portal.port}`;
  const gateway = createGateway({
    config,
    version: options.version,
    invoke: router.invoke,
    routeExists: (key) => router.route(key) !== undefined,
    async: {
      accept: (job) => calls.accept(job),
      cancel: (id) => calls.cancel(id),
      bodyBytes: config.queue.bodyBytes,
    },
    control: api.handler,
    auth,
    trustedOrigins: [portalUrl],
    portalUrl,
  });
  const listening = await gateway.listen();
  place.port = listening.port;
  stack.defer(() => gateway.close(AbortSignal.timeout(drainMs)));
  stack.defer(() => api.endFollowed());
  return { url: listening.url, portalUrl };
}

/** What survives a restart, and the walls. */
async function startBase(config: Config, stack: AsyncDisposableStack) {
  const lock = await lockFolder(config.stateDir);
  stack.defer(() => lock.release());
  makeFolder({ what: 'run folder', dir: config.runDir, mode: 0o711, flag: '--run-dir' });
  const store = await createSqliteStore({ file: join(config.stateDir, 'tinderbox.db') });
  stack.defer(() => store.close());
  const secrets = await createSecrets({ store, keyFile: config.keyFile });
  const sandbox = await createSandbox(config);
  stack.defer(() => sandbox.close());
  if (sandbox.abilities.root) {
    assertPassable('runDir', config.runDir);
    assertUnshared('runDir', config.runDir);
  }
  const identities = createIdentities(store, config.uids);
  const builder = await createBuilder({
    runDir: config.runDir,
    stateDir: config.stateDir,
    store,
    sandbox,
    identities,
    build: config.build,
    toolPath: config.build.toolPath,
  });
  stack.defer(() => builder.close());
  return { store, secrets, sandbox, identities, builder };
}

/** Engine, router, scaler, control: joined here and nowhere else. */
async function startDataPlane(
  config: Config,
  base: Awaited<ReturnType<typeof startBase>>,
  stack: AsyncDisposableStack,
) {
  const engine = createProcessEngine({
    stateDir: config.stateDir,
    runDir: config.runDir,
    sandbox: base.sandbox,
    sweptFolders: [base.builder.secretsRoot],
    pool: config.pool,
    logFileBytes: config.logFileBytes,
    concurrentStarts: config.budget.concurrentStarts,
    whenIdle: (instanceId) => router.whenIdle(instanceId),
    keeperOrphanMs: config.keeperOrphanMs,
    startTimeoutMs: config.startTimeoutMs,
  });
  stack.defer(() => engine.close());
  const metrics = createMetrics(() => readyByFunction(engine));
  stack.defer(() => metrics.close());
  stack.defer(
    base.store.watch(recordFolders.functions, ({ key, value }) => {
      const [namespace = '', name = ''] = key.slice(recordFolders.functions.length).split('/');
      if (value === undefined) metrics.forget(formatFunctionKey(namespace, name));
    }),
  );
  const hooks: RouterHooks = {
    wake: (revision) => scaler.wake(revision),
    retire: (instance, reason) => engine.retire(instance, reason),
    ownsAddress: (instance) => engine.ownsAddress(instance),
  };
  const router = createRouter({ hooks, budget: config.budget });
  stack.defer(() => router.close(AbortSignal.timeout(drainMs)));
  stack.defer(engine.watch((change) => router.instanceChanged(change)));
  stack.defer(startIdleCollector({ calls: () => sumOf(router.load()) }));
  // Only now, so that the router hears of the instances an earlier platform left running.
  await engine.start();
  const scaler = createScaler({
    engine,
    load: () => router.load(),
    budget: config.budget,
    intervalMs: config.scaleIntervalMs,
  });
  stack.defer(() => scaler.close());
  const removeLogs = (namespace: string, name: string): Promise<void> =>
    rm(join(config.stateDir, 'logs', namespace, name), { recursive: true, force: true });
  const identities = base.sandbox.abilities.root ? base.identities : undefined;
  // Room for a second attempt, however long a start may take.
  const limits = { startDeadlineMs: Math.max(60_000, 2 * config.startTimeoutMs) };
  const control = createControl({ ...base, identities, engine, scaler, router, removeLogs, limits });
  stack.defer(() => control.close());
  await control.start();
  return { engine, router, scaler, metrics };
}

interface BackgroundParts {
  readonly store: Store;
  readonly router: Router;
  readonly metrics: Metrics;
  readonly place: Place;
}

/** Calls nobody waits for, and functions that the clock calls. */
async function startBackground(
  config: Config,
  options: PlatformOptions,
  { store, router, metrics, place }: BackgroundParts,
  stack: AsyncDisposableStack,
) {
  const file = join(config.stateDir, 'queue.db');
  const calls = createAsyncCalls({
    open: () => createSqliteQueue({ file, limits: config.queue }),
    invoke: router.invoke,
    replyBytes: config.queue.bodyBytes,
    callbacks: {
      isAllowed: createAddressRule(config.queue.callbackRanges),
      timeoutMs: 60_000,
      agent: `tinderbox/${options.version}`,
    },
    retryOf: (key) => router.route(key)?.settings.retry,
    ownPath: (url) => ownPath(url, config.host, place.port),
    now: Date.now,
    random: Math.random,
  });
  stack.defer(() => calls.close(AbortSignal.timeout(drainMs)));
  if (existsSync(file)) await calls.resume();
  metrics.showQueue(calls);
  const scheduler = createScheduler({ accept: (job) => calls.accept(job), memory: await createStoredMemory(store) });
  stack.defer(() => scheduler.close());
  stack.defer(await followFunctions(store, scheduler));
  return { calls, schedules: () => scheduler.planned() };
}

function sumOf(loads: readonly LoadSnapshot[]): { readonly completed: number; readonly underWay: number } {
  const sum = { completed: 0, underWay: 0 };
  for (const { completed, inFlight, waiting } of loads) {
    sum.completed += completed;
    sum.underWay += inFlight + waiting;
  }
  return sum;
}

function readyByFunction(engine: Engine): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { revision, state } of engine.instances()) {
    if (state !== 'ready') continue;
    const { namespace, name } = parseRevisionId(revision);
    const key = formatFunctionKey(namespace, name);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
