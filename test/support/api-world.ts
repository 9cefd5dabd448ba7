import { createServer, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { type Api, createApi } from '../../src/api/api.ts';
import type { ApiDeps } from '../../src/api/api-parts.ts';
import { createBuildSignatures } from '../../src/auth/build-signature.ts';
import { createBuilderKey } from '../../src/secrets/builder-key.ts';
import { createRemains, createWorld, type World } from './control-world.ts';
import { createStoredCalls } from './stored-calls.ts';

export interface ApiWorld {
  readonly world: World;
  readonly api: Api;
  /** Base address of the server the API answers on. */
  readonly url: string;
  /** One request; an object is sent as JSON without a content type, as OpenFaaS's clients do. */
  call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; text: string; json: unknown; headers: Headers }>;
  /** Connections that are open. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

/** The API on a real socket before real control and scaler, with a scripted engine; unless others are given, its keys are its own. */
export async function createApiWorld(sourceDir: string, deps: Partial<ApiDeps> = {}): Promise<ApiWorld> {
  const world = createWorld(createRemains());
  const api = await createApi({
    store: world.store,
    secrets: world.secrets,
    builder: { ...world.images.builder, build: async () => Promise.reject(new Error('no builds here')) },
    engine: world.engine,
    scaler: world.scaler,
    sourceDir,
    ...(await makeKeys()),
    calls: createStoredCalls(sourceDir, () => Promise.reject(new Error('no calls here'))),
    schedules: () => [],
    triggers: { nats: true, status: () => Promise.resolve(undefined) },
    version: { release: '1.2.3', sha: 'abc', commitMessage: 'a message' },
    ...deps,
  });
  await world.control.start();
  const server = createServer(api.handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    world,
    api,
    url,
    async call(method, path, body) {
      const response = await fetch(url + path, { method, ...(body === undefined ? {} : { body: bodyFrom(body) }) });
      const text = await response.text();
      return { status: response.status, text, json: parse(text), headers: response.headers };
    },
    connections: () => promisify(server.getConnections.bind(server))(),
    async close() {
      await api.close();
      await world.close();
      await closeServer(server);
    },
  };
}

/** Read once and kept in memory, so the files may go at once. */
async function makeKeys(): Promise<Pick<ApiDeps, 'signatures' | 'sealed'>> {
  const dir = await mkdtemp(join(tmpdir(), 'tb-keys-'));
  const signatures = await createBuildSignatures(join(dir, 'payload-secret'));
  const sealed = await createBuilderKey(join(dir, 'build-secrets.key'));
  await rm(dir, { recursive: true });
  return { signatures, sealed };
}

function bodyFrom(body: unknown): Uint8Array<ArrayBuffer> {
  return body instanceof Uint8Array
    ? new Uint8Array(body)
    : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
