import type { AsyncDoor } from '../../src/gateway/async-call.ts';
import { TinderboxError } from '../../src/model/errors.ts';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createGateway } from '../../src/gateway/create-gateway.ts';
import type { Gateway, GatewayLimits, GatewayOptions } from '../../src/gateway/gateway.ts';
import { type FunctionSettings, resolveSettings } from '../../src/model/settings.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { until } from './until.ts';

/** A gateway and a router in front of one HTTP server, deployed as the function `echo`. */
export interface Edge {
  readonly port: number;
  readonly url: string;
  readonly gateway: Gateway;
  readonly router: Router;
  /** Instances the router gave up. */
  readonly retired: string[];
  /** Calls of the function that hold a slot now. */
  inFlight(): number;
}

export interface EdgeOptions {
  readonly limits?: Partial<GatewayLimits>;
  readonly settings?: Partial<FunctionSettings>;
  readonly gateway?: Partial<GatewayOptions>;
}

const revision = 'openfaas-fn/echo-00001';
export const credentials = `Basic ${Buffer.from('admin:secret').toString('base64')}`;

export async function startEdge(t: TestContext, instancePort: number, options: EdgeOptions = {}): Promise<Edge> {
  const retired: string[] = [];
  const router = createRouter({
    hooks: {
      wake: () => Promise.resolve(),
      retire: (id) => void retired.push(id),
      ownsAddress: () => Promise.resolve(true),
    },
    budget: { waitingCalls: 1000, bufferedBytes: 2 ** 24 },
  });
  const spec = { namespace: 'openfaas-fn', name: 'echo', image: 'x', secrets: [], labels: {}, annotations: {} };
  const settings = { ...resolveSettings(spec), ...options.settings };
  router.setRoute({ key: 'echo.openfaas-fn', revision, settings });
  router.instanceChanged({
    instance: {
      id: 'one',
      revision,
      state: 'ready',
      address: { kind: 'http', host: '127.0.0.1', port: instancePort },
      concurrency: settings.concurrency,
      startedAtMs: 0,
      pooled: false,
      protections: {
        cgroup: 'none',
        noNewPrivileges: true,
        mountNamespace: false,
        pidNamespace: false,
        network: 'host',
        memoryLimit: 'none',
        missing: [],
      },
    },
  });
  const limits = { bodyBytes: 2 ** 22, headerBytes: 16 * 1024, headersTimeoutMs: 5000, stallTimeoutMs: 5000 };
  const gateway = createGateway({
    config: { host: '127.0.0.1', port: 0, limits: { ...limits, ...options.limits } },
    version: '1.2.3',
    invoke: router.invoke,
    routeExists: (key) => router.route(key) !== undefined,
    async: noAsyncCalls,
    control: (request, response) => void response.end(`control ${request.method} ${request.url}`),
    auth: { check: (authorization) => authorization === credentials },
    ...options.gateway,
  });
  t.after(async () => {
    await gateway.close(AbortSignal.abort());
    await router.close(AbortSignal.abort());
  });
  const { port, url } = await gateway.listen();
  return { port, url, gateway, router, retired, inFlight: () => router.load()[0]?.inFlight ?? 0 };
}

/** A client that writes bytes by hand, and all it got so far as latin-1 text. */
export interface RawClient {
  readonly socket: Socket;
  text(): string;
  write(bytes: string): void;
  /** Resolves with everything received once it contains `marker`. */
  until(marker: string | RegExp): Promise<string>;
  /** Resolves with everything received once the connection is closed. */
  closed(): Promise<string>;
}

export async function rawClient(t: TestContext, port: number): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  let text = '';
  let closed = false;
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  socket.on('close', () => {
    closed = true;
  });
  await once(socket, 'connect');
  const has = (marker: string | RegExp): boolean =>
    typeof marker === 'string' ? text.includes(marker) : marker.test(text);
  return {
    socket,
    text: () => text,
    write: (bytes) => void socket.write(bytes, 'latin1'),
    until: async (marker) => {
      await until(`${String(marker)} in ${JSON.stringify(text.slice(0, 200))}`, () => has(marker));
      return text;
    },
    closed: async () => {
      await until('the connection to close', () => closed);
      return text;
    },
  };
}

/** One request on a connection of its own, to its end. */
export async function exchange(t: TestContext, port: number, request: string): Promise<string> {
  const client = await rawClient(t, port);
  client.write(request);
  return client.closed();
}

/** Refuses every call nobody waits for. */
export const noAsyncCalls: AsyncDoor = {
  accept: () => Promise.reject(new TinderboxError('unsupported', 'there is no queue')),
  cancel: () => Promise.resolve(false),
  bodyBytes: 1024,
};
