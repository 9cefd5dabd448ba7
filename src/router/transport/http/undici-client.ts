import { createRequire } from 'node:module';
import type { buildConnector as BuildConnector, Client as UndiciClient } from 'undici';

/** The two parts of undici that calls need. */
export interface UndiciParts {
  readonly Client: typeof UndiciClient;
  readonly buildConnector: typeof BuildConnector;
}

/**
 * undici's client and connector by themselves, loaded with the first instance that speaks HTTP. The whole package, with
 * its fetch, caches and WebSocket, costs the process 7 MiB more; a platform of frame functions has none of it.
 */
export function loadUndiciClient(): UndiciParts {
  const require = createRequire(import.meta.url);
  return {
    Client: require('undici/lib/dispatcher/client.js') as typeof UndiciClient,
    buildConnector: require('undici/lib/core/connect.js') as typeof BuildConnector,
  };
}
