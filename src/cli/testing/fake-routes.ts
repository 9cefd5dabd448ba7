import type { IncomingMessage, ServerResponse } from 'node:http';
import { json, text } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import type { FunctionDeployment } from '../../client/functions.ts';
import { formatRevisionId } from '../../model/names.ts';
import type { FakeState, ReceivedBuild } from './fake-platform.ts';
import { triggerRoutes } from './fake-triggers.ts';

export interface Exchange {
  readonly state: FakeState;
  readonly name: string;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly handle: (exchange: Exchange) => Promise<void> | void;
}

/** The control plane in the shapes of OpenFaaS's API and tinderbox's own additions. */
export const routes: readonly Route[] = [
  { method: 'GET', path: /^\/system\/functions$/, handle: listFunctions },
  { method: 'PUT', path: /^\/system\/functions$/, handle: (exchange) => putFunction(exchange, true) },
  { method: 'POST', path: /^\/system\/functions$/, handle: (exchange) => putFunction(exchange, false) },
  { method: 'DELETE', path: /^\/system\/functions$/, handle: removeFunction },
  { method: 'GET', path: /^\/system\/function\/([^/]+)$/, handle: getFunction },
  { method: 'GET', path: /^\/system\/function\/([^/]+)\/revisions$/, handle: listRevisions },
  { method: 'POST', path: /^\/system\/scale-function\/([^/]+)$/, handle: scale },
  { method: 'GET', path: /^\/system\/instances$/, handle: ({ response }) => sendJson(response, [instance]) },
  { method: 'GET', path: /^\/system\/logs$/, handle: sendLogs },
  { method: 'GET', path: /^\/system\/info$/, handle: ({ response }) => sendJson(response, info) },
  { method: 'GET', path: /^\/system\/secrets$/, handle: listSecrets },
  { method: 'POST', path: /^\/system\/secrets$/, handle: (exchange) => writeSecret(exchange, true) },
  { method: 'PUT', path: /^\/system\/secrets$/, handle: (exchange) => writeSecret(exchange, false) },
  { method: 'DELETE', path: /^\/system\/secrets$/, handle: removeSecret },
  {
    method: 'POST',
    path: /^\/system\/secrets-key$/,
    handle: ({ response }) => sendJson(response, { key: 'key-2' }),
  },
  {
    method: 'GET',
    path: /^\/system\/namespaces$/,
    handle: ({ state, response }) => sendJson(response, [...state.namespaces]),
  },
  { method: 'POST', path: /^\/system\/namespace\/$/, handle: createNamespace },
  { method: 'GET', path: /^\/system\/namespace\/([^/]+)$/, handle: getNamespace },
  { method: 'PUT', path: /^\/system\/namespace\/([^/]+)$/, handle: updateNamespace },
  { method: 'DELETE', path: /^\/system\/namespace\/([^/]+)$/, handle: removeNamespace },
  { method: 'GET', path: /^\/system\/images$/, handle: listImages },
  ...triggerRoutes,
  { method: 'POST', path: /^\/build$/, handle: build },
  {
    method: 'GET',
    path: /^\/publickey$/,
    handle: ({ state, response }) => sendJson(response, { public_key: state.sealing.publicKey }),
  },
];

export const instance = {
  id: 'hello-00001-abc',
  revision: 'openfaas-fn/hello-00001',
  state: 'ready',
  concurrency: 100,
  pid: 4711,
  startedAtMs: 0,
  pooled: true,
  protections: {
    uid: 200_001,
    cgroup: 'v1',
    noNewPrivileges: true,
    mountNamespace: true,
    pidNamespace: false,
    network: 'host',
    memoryLimit: 'cgroup',
    missing: ['pid namespace: bubblewrap is not installed'],
  },
};

const info = {
  provider: { provider: 'tinderbox', orchestration: 'process', version: { release: '0.1.0', sha: 'abc' } },
  version: { release: '0.1.0', sha: 'abc' },
  arch: 'x86_64',
};

function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function sendText(response: ServerResponse, status: number, body = ''): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
}

function statusOf(state: FakeState, deployment: FunctionDeployment): object {
  const { service, labels, ...rest } = deployment;
  const replicas = state.replicas.get(service) ?? 1;
  const counts = { replicas, availableReplicas: replicas, createdAt: '2026-01-02T03:04:05Z' };
  return { name: service, ...rest, labels: { ...labels, faas_function: service }, ...counts };
}

function listFunctions({ state, response }: Exchange): void {
  state.lists += 1;
  sendJson(
    response,
    [...state.functions.values()].map((fn) => ({ ...statusOf(state, fn), invocationCount: 7 })),
  );
}

function getFunction({ state, name, response }: Exchange): void {
  const found = state.functions.get(name);
  if (found === undefined) sendText(response, 404, `function ${name} not found`);
  else sendJson(response, { ...statusOf(state, found), ...(state.usage === undefined ? {} : { usage: state.usage }) });
}

async function putFunction({ state, request, response }: Exchange, mustExist: boolean): Promise<void> {
  const deployment = (await json(request)) as FunctionDeployment;
  const name = deployment.service;
  if (mustExist && !state.functions.has(name)) return sendText(response, 404, `function ${name} not found`);
  if (!mustExist && state.functions.has(name)) return sendText(response, 409, `function ${name} exists already`);
  state.functions.set(name, deployment);
  const revisions = state.revisions.get(name) ?? [];
  const id = formatRevisionId(deployment.namespace ?? '', name, revisions.length + 1);
  const createdAt = '2026-01-02T03:04:05Z';
  state.revisions.set(name, [
    ...revisions,
    { id, state: 'pending', serving: false, createdAt, image: deployment.image },
  ]);
  sendText(response, 202);
}

/** A pending revision is what `outcome` says the next time it is asked for. */
function listRevisions({ state, name, response }: Exchange): void {
  const revisions = state.revisions.get(name);
  if (revisions === undefined) return sendText(response, 404, `function ${name} not found`);
  sendJson(response, revisions.toReversed());
  const settled = { ...state.outcome, serving: state.outcome.state === 'ready' };
  state.revisions.set(
    name,
    revisions.map((revision) => (revision.state === 'pending' ? { ...revision, ...settled } : revision)),
  );
}

async function removeFunction({ state, request, response }: Exchange): Promise<void> {
  const { functionName } = (await json(request)) as { functionName: string };
  state.removed.push(functionName);
  sendText(response, state.functions.delete(functionName) ? 202 : 404, '');
}

async function scale({ state, name, request, response }: Exchange): Promise<void> {
  const { serviceName, replicas } = (await json(request)) as { serviceName: string; replicas: number };
  if (!state.functions.has(name) || serviceName !== name) return sendText(response, 404, `function ${name} not found`);
  const most = Number(state.functions.get(name)?.labels?.['com.openfaas.scale.max'] ?? 20);
  state.replicas.set(name, Math.min(replicas, most));
  sendText(response, Number.isInteger(replicas) ? 202 : 400);
}

function sendLogs({ state, query, response }: Exchange): void {
  const name = query.get('name') ?? '';
  if (!state.functions.has(name) && state.logs.length === 0)
    return sendText(response, 404, `function ${name} not found`);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const tail = Number(query.get('tail') ?? state.logs.length);
  for (const line of state.logs.slice(-tail)) response.write(`${JSON.stringify(line)}\n`);
  if (query.get('follow') !== 'true') response.end();
}

function listSecrets({ state, response }: Exchange): void {
  sendJson(
    response,
    [...state.secrets.keys()].map((name) => ({ name, namespace: 'openfaas-fn' })),
  );
}

async function writeSecret({ state, request, response }: Exchange, create: boolean): Promise<void> {
  const secret = (await json(request)) as { name: string; value?: string; rawValue?: string };
  if (create && state.secrets.has(secret.name)) return sendText(response, 409, `secret ${secret.name} exists`);
  if (!create && !state.secrets.has(secret.name)) return sendText(response, 404, `secret ${secret.name} not found`);
  state.secrets.set(secret.name, secret.value ?? `base64:${secret.rawValue}`);
  sendText(response, 202);
}

async function removeSecret({ state, request, response }: Exchange): Promise<void> {
  const { name } = (await json(request)) as { name: string };
  sendText(response, state.secrets.delete(name) ? 202 : 404, `secret ${name}`);
}

async function createNamespace({ state, request, response }: Exchange): Promise<void> {
  const { name, labels } = (await json(request)) as { name: string; labels: Record<string, string> };
  if (labels['openfaas'] !== '1') return sendText(response, 400, 'openfaas=1 is missing');
  if (state.namespaces.has(name)) return sendText(response, 409, `namespace ${name} exists`);
  state.namespaces.add(name);
  state.namespaceLabels.set(name, labels);
  sendText(response, 201);
}

function getNamespace({ state, name, response }: Exchange): void {
  if (!state.namespaces.has(name)) return sendText(response, 404, `namespace ${name} not found`);
  sendJson(response, { name, labels: state.namespaceLabels.get(name) ?? {} });
}

async function updateNamespace({ state, name, request, response }: Exchange): Promise<void> {
  const { labels } = (await json(request)) as { labels: Record<string, string> };
  if (!state.namespaces.has(name)) return sendText(response, 404, `namespace ${name} not found`);
  state.namespaceLabels.set(name, labels);
  sendText(response, 202);
}

async function removeNamespace({ state, name, request, response }: Exchange): Promise<void> {
  const body = (await json(request)) as { name: string };
  sendText(response, body.name === name && state.namespaces.delete(name) ? 202 : 404, `namespace ${name} not found`);
}

function listImages({ state, response }: Exchange): void {
  const built = state.builds.map(({ config }) => ({ image: config['image'], digest: 'sha256:abc', builtAt: '' }));
  sendJson(response, built);
}

async function build({ state, request, response }: Exchange): Promise<void> {
  const received = await readBuild(request);
  state.builds.push(received);
  const send = (event: object): void => void response.write(`${JSON.stringify(event)}\n`);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  send({ log: ['installing', 'done installing'], status: 'in_progress' });
  const image = received.config['image'];
  if (state.buildFailure === undefined) send({ log: [], status: 'success', image, duration: 0.1 });
  else send({ log: [], status: 'failed', image, error: state.buildFailure });
  response.end();
}

async function readBuild(request: IncomingMessage): Promise<ReceivedBuild> {
  const files: Record<string, string> = {};
  for await (const entry of request.pipe(extract())) {
    const content = await text(entry);
    if (entry.header.type === 'file') files[entry.header.name] = content;
  }
  const { 'com.openfaas.docker.config': config = '{}', ...rest } = files;
  return { config: JSON.parse(config) as Record<string, unknown>, files: rest };
}
