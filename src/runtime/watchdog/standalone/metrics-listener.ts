import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TinderboxError } from '../../../model/errors.ts';
import { createServer } from '../../../model/node-http.ts';
import type { CallMetrics } from './call-metrics.ts';

/** A listener of its own for `GET /metrics`. */
export async function startMetricsListener(
  metrics: Pick<CallMetrics, 'render'>,
  host: string | undefined,
  port: number,
): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((request, response) => {
    if (request.url?.split('?', 1)[0] !== '/metrics') return void response.writeHead(404).end('not found\n');
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8').end(metrics.render());
  });
  const bound = await listenOn(server, host, port, 'metrics', 'metrics_port');
  return {
    port: bound,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Resolves with the port. Rejects with `conflict` naming it and the variable that sets it. */
export async function listenOn(
  server: Server,
  host: string | undefined,
  port: number,
  what: string,
  variable: string,
): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new TinderboxError('conflict', `cannot listen on port ${port} for ${what}: ${(cause as Error).message}`, {
      hint: `choose another with ${variable}`,
      cause,
    });
  }
  return (server.address() as AddressInfo).port;
}
