import { join } from 'node:path';
import { createApi } from './api/api.ts';
import { createAuth } from './auth/auth.ts';
import { createBuildSignatures } from './auth/build-signature.ts';
import { createStockedBuilder, readStock } from './builder/stocked-builder.ts';
import type { Config } from './config/config.ts';
import type { Instance } from './model/instance.ts';
import { startMetricsServer } from './observe/metrics-server.ts';
import { readProgramUsage } from './sandbox/program-usage.ts';
import { measureUsage } from './sandbox/usage-meter.ts';
import { createBuilderKey } from './secrets/builder-key.ts';
import { startBackground } from './compose/background.ts';
import { startBase } from './compose/base.ts';
import { startDataPlane } from './compose/data-plane.ts';
import { startEdges } from './compose/edges.ts';
import type { Place } from './compose/place.ts';
import type { Platform, PlatformOptions } from './compose/platform.ts';
import { startTracing } from './compose/tracing.ts';

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
  const plane = await startDataPlane(config, options.version, base, stack);
  const stock = await readStock(options.storeFile);
  const place: Place = { port: 0 };
  const { metrics, router } = plane;
  const tracing = await startTracing(config, options.version, { metrics, invoke: router.invoke }, stack);
  const background = await startBackground(config, options, { ...base, ...plane, tracing, place }, stack);
  const api = await createApi({
    ...base,
    ...plane,
    ...background,
    builder: createStockedBuilder(base.builder, stock),
    functionStore: stock.text,
    sourceDir: join(config.runDir, 'sources'),
    version: { release: options.version, sha: options.version, commitMessage: `tinderbox ${options.version}` },
    invocationCount: (key) => metrics.invocationCount(key),
    usage: (instances) => measureUsage(pidsOf(instances), (pid) => readProgramUsage(base.sandbox.cages, pid)),
    hostMemoryBytes: config.budget.memoryBytes,
    exec: config.exec,
    holdAwake: (revision) => plane.holds.hold(revision),
    maxUploadBytes: config.limits.bodyBytes,
    signatures: await createBuildSignatures(config.build.payloadSecretFile),
    sealed: await createBuilderKey(join(config.stateDir, 'build-secrets.key')),
  });
  stack.defer(() => api.close());
  const metricsServer = await startMetricsServer(metrics, config.metricsPort);
  stack.defer(() => metricsServer.close());
  const edges = await startEdges(
    config,
    options,
    { ...background, auth, api, router, tracing, place, drain: base.drain },
    stack,
  );
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
