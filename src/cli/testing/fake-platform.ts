import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TriggerStatus } from '../../model/trigger.ts';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { FunctionDeployment } from '../../client/functions.ts';
import type { RevisionSummary } from '../../client/revisions.ts';
import { createServer } from '../../model/node-http.ts';
import { createSealingKeys } from '../../model/sealed-secrets.ts';
import { routes } from './fake-routes.ts';

/** What a build was sent. */
export interface ReceivedBuild {
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, string>>;
}

export interface ReceivedCall {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** State of a platform that answers in the API's shapes; tests set what they need and look at what arrived. */
export interface FakeState {
  readonly functions: Map<string, FunctionDeployment>;
  /** Of functions that were scaled. */
  readonly replicas: Map<string, number>;
  readonly revisions: Map<string, RevisionSummary[]>;
  readonly secrets: Map<string, string>;
  readonly triggers: Map<string, TriggerStatus>;
  /** Names of functions that were removed, in order. */
  readonly removed: string[];
  readonly namespaces: Set<string>;
  readonly namespaceLabels: Map<string, Readonly<Record<string, string>>>;
  readonly builds: ReceivedBuild[];
  /** Keys that secrets of builds are sealed for. */
  readonly sealing: ReturnType<typeof createSealingKeys>;
  readonly calls: ReceivedCall[];
  readonly logs: object[];
  /** What each function uses, where one is asked for. */
  usage: object | undefined;
  /** How often the functions were listed. */
  lists: number;
  /** Answers a build in place of success. */
  buildFailure: string | undefined;
  /** What becomes of a new revision, after it was asked for once. */
  outcome:
    | { readonly state: 'ready' }
    | { readonly state: 'failed'; readonly failure: string }
    | { readonly state: 'pending' };
  /** Answers a call of a function. */
  reply: (call: ReceivedCall, response: ServerResponse) => void;
}

export interface FakePlatform {
  readonly url: string;
  readonly state: FakeState;
}

export const fakeLogin = { user: 'admin', password: 's3cret' };

/** Starts one on a free port; it is closed when the test ends. */
export async function startFakePlatform(t: { after(fn: () => void): void }): Promise<FakePlatform> {
  const state: FakeState = {
    functions: new Map(),
    replicas: new Map(),
    revisions: new Map(),
    triggers: new Map(),
    secrets: new Map(),
    removed: [],
    namespaces: new Set(['openfaas-fn']),
    namespaceLabels: new Map(),
    builds: [],
    sealing: createSealingKeys(),
    calls: [],
    logs: [],
    lists: 0,
    usage: undefined,
    buildFailure: undefined,
    outcome: { state: 'ready' },
    reply: (call, response) => response.end(call.body),
  };
  const server = createServer((request, response) => {
    answer(state, request, response).catch((error: Error) => response.writeHead(500).end(error.message));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, state };
}

async function answer(state: FakeState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://fake');
  if (/^\/(async-)?function\//.test(url.pathname)) {
    const call = { method: request.method ?? '', url: request.url ?? '', headers: request.headers };
    const received = { ...call, body: (await buffer(request)).toString('utf8') };
    state.calls.push(received);
    state.reply(received, response);
    return;
  }
  if (url.pathname === '/healthz') return void response.end('OK');
  const token = Buffer.from(`${fakeLogin.user}:${fakeLogin.password}`).toString('base64');
  if (request.headers.authorization !== `Basic ${token}`) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="Restricted"' }).end('invalid credentials');
    return;
  }
  const route = routes.find(({ method, path }) => method === request.method && path.test(url.pathname));
  if (route === undefined) {
    response.writeHead(404).end(`no route ${request.method} ${url.pathname}`);
    return;
  }
  const name = decodeURIComponent(route.path.exec(url.pathname)?.[1] ?? '');
  await route.handle({ state, name, query: url.searchParams, request, response });
}
