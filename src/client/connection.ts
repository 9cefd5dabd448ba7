import type { Duplex, Readable } from 'node:stream';
import { TinderboxError } from '../model/errors.ts';
import { errorFromNetwork, errorFromReply } from './failures.ts';
import { createPatientFetch, type Fetch, type HttpReply } from './fetch.ts';
import { type Expectation, isObject, readText } from './read-reply.ts';
import { failure, type Result, success } from './result.ts';

/** Who somebody is to a gateway: user and password, or a bearer token. */
export type Credentials = { readonly user: string; readonly password: string } | { readonly token: string };

/** How the client reaches a platform. */
export interface ClientOptions {
  /** Base address, for example `http://127.0.0.1:8080`; a path is kept, a trailing slash is not. */
  readonly gateway: string;
  /** Sent to `/system/*` and `/build` only, never to functions. */
  readonly credentials?: Credentials | undefined;
  /** Cancels every request of the client. */
  readonly signal?: AbortSignal;
  /** Takes certificates that nobody vouches for; default false. A `fetch` that is given decides for itself. */
  readonly anyCertificate?: boolean;
  /** Default: undici's without limits on waiting. */
  readonly fetch?: Fetch;
}

export interface ApiRequest {
  readonly method: string;
  /** Starts with `/`; names in it are already percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: Buffer | Readable;
  /** Longest wait for the whole answer; undefined: none. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Requests to one platform. `send` takes any answer as success, `call` only 2xx. */
export interface Connection {
  readonly gateway: string;
  /** Without credentials; resolves with whatever was answered. */
  send(request: ApiRequest): Promise<Result<HttpReply>>;
  /** With credentials; the reply is still to be read. */
  call(request: ApiRequest): Promise<Result<HttpReply>>;
  /**
   * With credentials and a limit of 60 s; resolves with the parsed JSON, undefined for an empty answer to anything but
   * GET. `bad-reply` when it is longer than 64 MiB, or not what is expected: by default an object.
   */
  json<T>(request: ApiRequest, expected?: Expectation): Promise<Result<T>>;
  /** The same for a list of what is expected. null is an empty one, as gateways written in Go answer. */
  list<T>(request: ApiRequest, expected: Expectation): Promise<Result<readonly T[]>>;
  /** With credentials; resolves with the connection, once the other side has switched it to this protocol. */
  upgrade(request: Pick<ApiRequest, 'method' | 'path' | 'query'>, protocol: string): Promise<Result<Duplex>>;
}

const managementTimeoutMs = 60_000;
const maxAnswerBytes = 64 * 2 ** 20;

export function createConnection(options: ClientOptions): Connection {
  const gateway = options.gateway.replace(/\/+$/, '');
  const fetch = options.fetch ?? createPatientFetch({ anyCertificate: options.anyCertificate === true });
  const authorization =
    options.credentials === undefined ? {} : { authorization: authorizationOf(options.credentials) };

  const send = async (request: ApiRequest): Promise<Result<HttpReply>> => {
    const signals = [options.signal, request.signal].filter((signal) => signal !== undefined);
    if (request.timeoutMs !== undefined) signals.push(AbortSignal.timeout(request.timeoutMs));
    try {
      return success(
        await fetch(urlOf(gateway, request), {
          method: request.method,
          headers: headersOf(request),
          ...bodyOf(request),
          redirect: 'manual',
          signal: AbortSignal.any(signals),
        }),
      );
    } catch (reason) {
      return failure(errorFromNetwork(reason, gateway));
    }
  };

  const call = async (request: ApiRequest): Promise<Result<HttpReply>> => {
    const sent = await send({ ...request, headers: { ...authorization, ...request.headers } });
    if (!sent.ok || (sent.data.status >= 200 && sent.data.status < 300)) return sent;
    return failure(await errorFromReply(sent.data, gateway));
  };

  const upgrade: Connection['upgrade'] = async (request, protocol) => {
    const { switchProtocols } = await import('./switch-protocols.ts');
    const { anyCertificate = false, signal } = options;
    const url = urlOf(gateway, request);
    return switchProtocols({
      url,
      gateway,
      method: request.method,
      headers: authorization,
      protocol,
      anyCertificate,
      signal,
    });
  };

  return { gateway, send, call, ...createJsonCalls(call, gateway), upgrade };
}

function createJsonCalls(call: Connection['call'], gateway: string): Pick<Connection, 'json' | 'list'> {
  const parse = async (request: ApiRequest, expected: Expectation): Promise<Result<unknown>> => {
    const answered = await call({ timeoutMs: managementTimeoutMs, ...request });
    return answered.ok ? readJson(answered.data, gateway, expected) : answered;
  };

  const json = async <T>(request: ApiRequest, expected = isObject): Promise<Result<T>> => {
    const mayBeEmpty = request.method !== 'GET';
    return (await parse(request, (value) => expected(value) || (mayBeEmpty && value === undefined))) as Result<T>;
  };

  const list = async <T>(request: ApiRequest, expected: Expectation): Promise<Result<readonly T[]>> => {
    const isList: Expectation = (value) => value === null || (Array.isArray(value) && value.every(expected));
    const answered = await parse(request, isList);
    return answered.ok ? success((answered.data ?? []) as readonly T[]) : answered;
  };

  return { json, list };
}

async function readJson(reply: HttpReply, gateway: string, expected: Expectation): Promise<Result<unknown>> {
  try {
    const text = await readText(reply, maxAnswerBytes, gateway);
    const value: unknown = text.trim() === '' ? undefined : JSON.parse(text);
    if (expected(value)) return success(value);
    const message = `${gateway} did not answer as OpenFaaS's API does: is a platform behind it?`;
    return failure(new TinderboxError('bad-reply', message));
  } catch (reason) {
    if (!(reason instanceof SyntaxError)) return failure(errorFromNetwork(reason, gateway));
    return failure(
      new TinderboxError('bad-reply', `${gateway} did not answer in JSON: is a platform behind it?`, { cause: reason }),
    );
  }
}

function urlOf(gateway: string, request: ApiRequest): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.set(name, String(value));
  }
  const text = query.toString();
  if (text === '') return gateway + request.path;
  return `${gateway}${request.path}${request.path.includes('?') ? '&' : '?'}${text}`;
}

function headersOf(request: ApiRequest): Record<string, string> {
  return { ...(request.json === undefined ? {} : { 'content-type': 'application/json' }), ...request.headers };
}

function bodyOf(request: ApiRequest): { body?: string | Buffer | Readable; duplex?: 'half' } {
  if (request.json !== undefined) return { body: JSON.stringify(request.json) };
  if (request.body === undefined) return {};
  return Buffer.isBuffer(request.body) ? { body: request.body } : { body: request.body, duplex: 'half' };
}

function authorizationOf(credentials: Credentials): string {
  if ('token' in credentials) return `Bearer ${credentials.token}`;
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
}
