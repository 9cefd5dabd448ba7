import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiDeps } from './api-parts.ts';
import { createCatalog } from './catalog.ts';
import { createServer } from './http/create-server.ts';
import { addAllRoutes } from './http/all-routes.ts';
import { finishRemovals } from './namespaces.ts';

/** The control plane behind the gateway. It listens nowhere and authenticates nobody: both are done in front of it. */
export interface Api {
  /** Answers every request it is given, unknown paths with 404. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** Ends every answer that goes on until its client leaves, now and from now on; all others come to their end. */
  endFollowed(): void;
  close(): Promise<void>;
}

/**
 * Reads the records once; afterwards every read is answered from memory. Uploads a killed platform left in `sourceDir`
 * are removed, and namespaces it was deleting deleted.
 */
export async function createApi(deps: ApiDeps): Promise<Api> {
  await rm(deps.sourceDir, { recursive: true, force: true });
  const catalog = await createCatalog(deps.store);
  const stopping = new AbortController();
  const parts = { ...deps, catalog, stopping: stopping.signal };
  await finishRemovals(parts);
  const app = createServer(deps.maxBodyBytes ?? 4 * 1024 * 1024);
  addAllRoutes(app, parts);
  await app.ready();
  return {
    handler: (request, response) => {
      app.routing(request, response);
    },
    endFollowed: () => stopping.abort(),
    async close() {
      await app.close();
      catalog.close();
    },
  };
}
