import type { Server } from 'node:http';
import { once } from 'node:events';
import { TinderboxError } from '../model/errors.ts';
import { createServer } from '../model/node-http.ts';
import type { Metrics } from './metrics.ts';
import { chooseMetricsFormat, metricsTypes } from './open-metrics.ts';

/** The listener Prometheus scrapes, on loopback only: `GET /metrics` and `GET /healthz`. */
export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects with `conflict` naming the port when it is taken. Port 0 takes a free one. */
export async function startMetricsServer(metrics: Pick<Metrics, 'render'>, port: number): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405).end();
    // A scraper may be told to add parameters.
    const [path] = (request.url ?? '').split('?', 1);
    if (path === '/healthz') return void response.end('OK');
    if (path !== '/metrics') return void response.writeHead(404).end('not found\n');
    const format = chooseMetricsFormat(request.headers.accept);
    metrics.render(format).then(
      (text) => response.setHeader('Content-Type', metricsTypes[format]).end(text),
      () => response.writeHead(500).end('metrics could not be collected\n'),
    );
  });
  await listenOnLoopback(server, port);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function listenOnLoopback(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new TinderboxError(
      'conflict',
      `cannot listen on 127.0.0.1:${port} for metrics: ${(error as Error).message}`,
      {
        hint: 'choose another with --metrics-port',
        cause: error,
      },
    );
  }
}
