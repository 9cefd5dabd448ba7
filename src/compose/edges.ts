import { type Api } from '../api/api.ts';
import { type Auth } from '../auth/auth.ts';
import type { Config } from '../config/config.ts';
import { createGateway } from '../gateway/create-gateway.ts';
import { startPortal } from '../gateway/portal.ts';
import { type AsyncCalls } from '../queue/async-calls.ts';
import type { Router } from '../router/router.ts';
import type { Place } from './place.ts';
import type { Platform, PlatformOptions } from './platform.ts';
import type { Tracing } from './tracing.ts';

interface EdgeParts {
  readonly auth: Auth;
  readonly api: Api;
  readonly router: Router;
  readonly calls: AsyncCalls;
  readonly tracing: Tracing;
  readonly place: Place;
  readonly drain: () => AbortSignal;
}

/** What listens for people and programs. */
export async function startEdges(
  config: Config,
  options: PlatformOptions,
  { auth, api, router, calls, tracing, place, drain }: EdgeParts,
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
    invoke: tracing.invoke,
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
  stack.defer(() => gateway.close(drain()));
  stack.defer(() => api.endFollowed());
  return { url: listening.url, portalUrl };
}
