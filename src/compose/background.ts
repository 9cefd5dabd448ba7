import { createCallbackSigner } from '../auth/callback-signer.ts';
import type { Config } from '../config/config.ts';
import { followFunctions } from '../events/schedule/follow-functions.ts';
import { createScheduler } from '../events/schedule/scheduler.ts';
import { createStoredMemory } from '../events/schedule/stored-memory.ts';
import { type Metrics } from '../observe/metrics.ts';
import { createAsyncCalls } from '../queue/async-calls.ts';
import { ownPath } from '../queue/own-path.ts';
import { createAddressRule } from '../queue/public-address.ts';
import type { Router } from '../router/router.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { Store } from '../store/store.ts';
import type { PlatformMeters } from './meters.ts';
import type { Place } from './place.ts';
import { createQueueBackbone } from './queue-backbone.ts';
import type { PlatformOptions } from './platform.ts';
import type { Tracing } from './tracing.ts';
import { startTriggers } from './triggers.ts';

interface BackgroundParts {
  readonly store: Store;
  readonly secrets: Pick<Secrets, 'get'>;
  readonly router: Router;
  readonly metrics: Metrics;
  readonly meters: PlatformMeters;
  readonly tracing: Tracing;
  readonly place: Place;
  readonly drain: () => AbortSignal;
}

/** Calls nobody waits for, and functions that the clock calls. */
export async function startBackground(
  config: Config,
  options: PlatformOptions,
  { store, secrets, router, metrics, meters, tracing, place, drain }: BackgroundParts,
  stack: AsyncDisposableStack,
) {
  const backbone = createQueueBackbone(config);
  const calls = createAsyncCalls({
    open: backbone.open,
    ...tracing,
    replyBytes: config.queue.bodyBytes,
    callbacks: {
      isAllowed: createAddressRule(config.queue.callbackRanges),
      timeoutMs: 60_000,
      agent: `tinderbox/${options.version}`,
      sign: await createCallbackSigner(config.queue.callbackSecretFile),
    },
    settingsOf: (key) => router.route(key)?.settings,
    dedicated: config.queue.dedicated,
    ownPath: (url) => ownPath(url, config.host, place.port),
    now: Date.now,
    random: Math.random,
  });
  stack.defer(() => calls.close(drain()));
  stack.defer(await backbone.resume(calls));
  metrics.showQueue(calls);
  meters.showQueue(calls);
  const scheduler = createScheduler({ accept: (job) => calls.accept(job), memory: await createStoredMemory(store) });
  stack.defer(() => scheduler.close());
  stack.defer(await followFunctions(store, scheduler));
  const triggers = await startTriggers(
    config,
    { store, secrets, invoke: tracing.invoke, metrics, scheduler, calls, drain },
    stack,
  );
  return { calls, schedules: () => scheduler.planned(), triggers };
}
