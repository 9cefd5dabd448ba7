/**
 * Types for authors of functions; there is no code behind them.
 *
 *     import type { FetchHandler } from '@tinderbox/sdk';
 *     export default {
 *       fetch: (request) => new Response(`hello ${new URL(request.url).pathname}`),
 *     } satisfies FetchHandler;
 *
 *     // or, in the shape of OpenFaaS's Node templates:
 *     import type { Context, Event } from '@tinderbox/sdk';
 *     export default async (event: Event<string>, context: Context) => context.status(200).succeed(event.body);
 */

/** What is known of a call besides its request. */
interface CallContext {
  /** Id of the call, also in logs and in the answer's `X-Call-Id`. */
  readonly callId: string;
  /** Unix time in milliseconds after which nobody waits for the answer; undefined: never. */
  readonly deadline: number | undefined;
  /** Aborted when the caller is gone or the deadline passed. Hand it on to whatever waits. */
  readonly signal: AbortSignal;
}

/** The web-standard shape: the default export of the handler module. */
export interface FetchHandler {
  /** Answers a request; bodies stream both ways. A throw is answered 500 and logged. */
  fetch(request: Request, context: FetchContext): Response | Promise<Response>;
}

/** Second argument of {@link FetchHandler.fetch}. */
export interface FetchContext extends CallContext {}

/**
 * First argument of an OpenFaaS handler. `Body` is what `JSON.parse` made of a request of type `application/json`, a
 * Buffer with `RAW_BODY=true` in the environment, else a string. Limits: `MAX_JSON_SIZE` and, raw, `MAX_RAW_SIZE`, both
 * 100kb unless set.
 */
export interface Event<Body = unknown> {
  readonly body: Body;
  /** Lower-case names; what came several times is joined by a comma (cookies by a semicolon). */
  readonly headers: Readonly<Record<string, string>>;
  readonly method: string;
  /** A name that came several times has an array. */
  readonly query: Readonly<Record<string, string | string[]>>;
  /** Below the function, without the query; always starts with `/`. */
  readonly path: string;
}

export type HeaderValues = Record<string, string | number | readonly string[] | undefined>;

/** Second argument of an OpenFaaS handler: shapes the answer. `status` and `headers` return the context to chain. */
export interface Context extends CallContext {
  /** The status set so far; 200 at first. */
  status(): number;
  status(status: number): this;
  headers(): HeaderValues;
  headers(headers: HeaderValues): this;
  /**
   * Answers with a value: strings, bytes and streams as they are, all else as JSON. The first answer counts, whether
   * given so or by returning.
   */
  succeed(value?: unknown): void;
  /** Answers with the status set before where it is an error, else with 500, and the error's text. */
  fail(error?: unknown): void;
}

/** Third argument of an OpenFaaS handler, in the manner of Node's older interfaces. */
export type Callback = (error?: unknown, value?: unknown) => void;

/** OpenFaaS's shape for Node: the answer is what is returned, passed to `context.succeed`, or to the callback. */
export type EventHandler<Body = unknown> = (event: Event<Body>, context: Context, callback: Callback) => unknown;
