import { setTimeout as delay } from 'node:timers/promises';
import { TinderboxError } from '../../model/errors.ts';
import { get } from '../../model/node-http.ts';
import { type PortOwner, acceptsConnections, ownsPort, readListenerTables } from './listening-port.ts';

const firstPauseMs = 2;
const longestPauseMs = 100;
const probeTimeoutMs = 1000;
/** How long a stranger must be found before it counts: the program may be about to fork, or to close and reopen. */
const strangerMs = 500;

export interface HttpReadiness {
  readonly owner: PortOwner;
  /** Path that must answer 2xx; empty: an open port is enough. */
  readonly path: string;
}

/** Where a program was found listening. */
export type HttpHost = '127.0.0.1' | '::1';

/**
 * Resolves when the program takes HTTP calls, asked ever less often. Throws `conflict` when somebody else listens on
 * its port. Rejects with the signal's reason.
 */
export async function awaitHttpReady(wanted: HttpReadiness, signal: AbortSignal): Promise<HttpHost> {
  const { port } = wanted.owner;
  let strangerSinceMs: number | undefined;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.3)) {
    const host = await findListener(port);
    signal.throwIfAborted();
    const isOwn = host !== undefined && (await ownsPort(wanted.owner, await readListenerTables()));
    if (isOwn && (wanted.path === '' || (await answersWell(host, port, wanted.path)))) return host;
    strangerSinceMs = host === undefined || isOwn ? undefined : (strangerSinceMs ?? performance.now());
    if (strangerSinceMs !== undefined && performance.now() - strangerSinceMs > strangerMs) {
      throw new TinderboxError('conflict', `port ${port} was taken by another program`);
    }
    await delay(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function findListener(port: number): Promise<HttpHost | undefined> {
  for (const host of ['127.0.0.1', '::1'] as const) if (await acceptsConnections(host, port)) return host;
  return undefined;
}

function answersWell(host: string, port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host, port, path, agent: false, timeout: probeTimeoutMs }, (response) => {
      const status = response.statusCode ?? 0;
      response.destroy();
      resolve(status >= 200 && status < 300);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });
}
