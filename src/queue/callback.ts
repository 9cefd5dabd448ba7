import type { RequestOptions } from 'node:http';
import { type LookupAddress, lookup } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import type { CancelSignal } from '../model/cancel.ts';
import { isHopByHop } from '../model/hop-by-hop.ts';
import { TinderboxError } from '../model/errors.ts';
import { request as httpRequest } from '../model/node-http.ts';
import type { RetrySettings } from '../model/retry-settings.ts';
import type { Attempt } from './attempt.ts';
import { parseRetryAfter } from './decide-retry.ts';
import type { CallbackPayload, LeasedJob } from './job.ts';

export interface CallbackContext {
  /** Whether an address may be connected to. */
  readonly isAllowed: (address: string) => boolean;
  /** Longest an attempt may take, connecting included. */
  readonly timeoutMs: number;
  /** `User-Agent`. */
  readonly agent: string;
  /** The signature of a body; default: none is sent. */
  readonly sign?: (body: Uint8Array) => string;
  readonly now: () => number;
}

/** How a callback was taken. */
export interface CallbackAttempt extends Attempt {
  /** Why no connection may be made; it will not help to try again. */
  readonly forbidden?: string;
}

/**
 * Posts an answer to whoever asked for it. The address is checked where the connection is made, on what the name resolved
 * to just then, so that a name cannot change its mind in between; redirects are not followed. Never rejects.
 */
export async function attemptCallback(
  job: LeasedJob,
  payload: CallbackPayload,
  context: CallbackContext,
  signal: CancelSignal,
): Promise<CallbackAttempt> {
  const begunMs = performance.now();
  const empty = { headers: [], body: Buffer.alloc(0), truncated: false, billedMs: 0 };
  try {
    const { status, retryAfter } = await post(job, payload, context, signal);
    const retryAfterMs = parseRetryAfter(retryAfter, context.now());
    return { ...empty, status, origin: 'function', retryAfterMs, durationMs: performance.now() - begunMs };
  } catch (reason) {
    const { code, status, message } = TinderboxError.from(reason);
    const attempt = { ...empty, status, origin: 'gateway', retryAfterMs: undefined } as const;
    const durationMs = performance.now() - begunMs;
    return code === 'forbidden' ? { ...attempt, durationMs, forbidden: message } : { ...attempt, durationMs };
  }
}

/** Throws `invalid` unless it is an absolute http or https URL without credentials. */
export function parseCallbackUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || text.length > 2048 || !/^https?:$/.test(url.protocol)) {
    throw new TinderboxError(
      'invalid',
      `X-Callback-Url "${text.slice(0, 200)}" is not an http or https URL of at most 2048 characters`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new TinderboxError('invalid', 'X-Callback-Url must not hold a user name or password');
  }
  return url;
}

/**
 * The headers of a callback, as OpenFaaS's queue worker sends them (docs, "Async"): the function's own and six more; and
 * the signature of its body, named as OpenFaaS names that of what it posts. Of `attempts` in all the first is no retry.
 */
export function callbackHeaders(
  job: LeasedJob,
  functionName: string,
  attempt: Attempt,
  { attempts }: Pick<RetrySettings, 'attempts'>,
  sign: CallbackContext['sign'],
): string[] {
  const headers: string[] = [];
  for (let at = 0; at + 1 < attempt.headers.length; at += 2) {
    const name = attempt.headers[at] as string;
    if (isHopByHop(name) || isOurs(name)) continue;
    headers.push(name, attempt.headers[at + 1] as string);
  }
  headers.push('X-Call-Id', job.id, 'X-Function-Name', functionName, 'X-Function-Status', String(attempt.status));
  headers.push('X-Duration-Seconds', (attempt.durationMs / 1000).toFixed(6), 'X-Retry', String(job.attempt - 1));
  headers.push('X-Retry-Max', String(attempts - 1));
  if (sign !== undefined) headers.push('X-Openfaas-Signature-256', sign(attempt.body));
  if (attempt.origin !== 'function') headers.push('X-OpenFaaS-Internal', attempt.origin);
  if (attempt.truncated) headers.push('X-Tinderbox-Truncated', 'true');
  return headers;
}

const ours = new Set([
  'content-length',
  'host',
  'x-call-id',
  'x-function-name',
  'x-function-status',
  'x-duration-seconds',
  'x-retry',
  'x-retry-max',
  'x-openfaas-internal',
  'x-openfaas-signature-256',
  'x-tinderbox-truncated',
  'user-agent',
]);

function isOurs(name: string): boolean {
  return ours.has(name.toLowerCase());
}

/** TLS is loaded with the first callback that needs it: it costs some megabytes. */
async function requestFor(protocol: string): Promise<typeof httpRequest> {
  return protocol === 'https:' ? (await import('node:https')).request : httpRequest;
}

interface Receipt {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/** Bytes of a receipt's body that are read for the receiver's sake, who may not expect to be cut off. */
const mostReceiptBytes = 64 * 1024;
const mostInterim = 20;

/** The head of the receiver's answer is its receipt; what follows it changes nothing, and does not hold the job up. */
async function post(
  job: LeasedJob,
  payload: CallbackPayload,
  context: CallbackContext,
  signal: CancelSignal,
): Promise<Receipt> {
  const url = new URL(payload.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !context.isAllowed(host)) throw refused(host);
  const send = await requestFor(url.protocol);
  const { promise, resolve, reject } = Promise.withResolvers<Receipt>();
  let receipt: Receipt | undefined;
  const settle = (error: unknown): void =>
    receipt === undefined ? reject(TinderboxError.from(error)) : resolve(receipt);
  const options: RequestOptions = {
    method: 'POST',
    headers: [
      ...payload.headers,
      'Host',
      url.host,
      'User-Agent',
      context.agent,
      'Content-Length',
      String(job.body.byteLength),
    ],
    lookup: guardedLookup(context.isAllowed),
    agent: false,
    signal: AbortSignal.timeout(context.timeoutMs),
  };
  const request = send(url, options, (response) => {
    receipt = { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
    let left = mostReceiptBytes;
    response.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) response.destroy();
    });
    response.on('error', settle);
    response.once('close', settle);
  });
  let interim = 0;
  request.on('information', () => {
    interim += 1;
    if (interim > mostInterim) request.destroy(unanswered(url.host));
  });
  const leave = (): void => void request.destroy(TinderboxError.from(signal.reason));
  signal.addEventListener('abort', leave);
  request.once('close', () => {
    signal.removeEventListener('abort', leave);
    // A switch of protocols nobody asked for closes the connection, and no more.
    settle(unanswered(url.host));
  });
  request.on('error', settle);
  request.end(job.body);
  return await promise;
}

function guardedLookup(isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      const [first] = found ?? [];
      const bad = found?.find(({ address }) => !isAllowed(address));
      if (error !== null || first === undefined) done(error ?? refused(hostname), '');
      else if (bad !== undefined) done(refused(`${hostname} (${bad.address})`), '');
      else if (options.all === true) done(null, found);
      else done(null, first.address, first.family);
    });
  };
}

function unanswered(host: string): TinderboxError {
  return new TinderboxError('lost', `${host} ended the connection without an answer`);
}

function refused(host: string): TinderboxError {
  return new TinderboxError('forbidden', `callbacks to ${host} are not allowed: it is not a public address`);
}
