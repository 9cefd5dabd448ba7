/**
 * The HTTP side of a watchdog that stands alone.
 *
 * Owns: the listener, how many calls run and for how long, probes, the end after a stop. Does not own: how a call is run.
 * 1. A call holds one of `max_inflight` places from its head until nothing of it is left, whatever its caller does.
 * 2. A stopping watchdog first says that it is not healthy, and goes on serving until nobody should send calls any more;
 *    then it takes no new connection, and every call that began is finished, unless it outlasts the grace.
 * 3. Probes take no place and count nowhere.
 */
import { Roster } from '../../../model/roster.ts';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer } from '../../../model/node-http.ts';
import type { Mode } from '../call.ts';
import type { WatchdogMode } from '../mode-settings.ts';
import type { UpstreamAddress } from '../upstream-connection.ts';
import type { CallLog } from './call-log.ts';
import type { CallMetrics } from './call-metrics.ts';
import { HttpCall, type OwnAnswer, plainText } from './http-call.ts';
import { type ReadRequest, readRequest } from './http-request.ts';
import type { LockFile } from './lock-file.ts';
import type { LogWriter } from './log-writer.ts';
import { listenOn } from './metrics-listener.ts';
import type { ServerSettings } from './server-settings.ts';
import { openTunnel } from './tunnel.ts';

const longestHead = 1024 * 1024;
const mostFields = 1000;
/** How often connections are looked at that may have been too slow. */
const checkMs = 500;
const longestTimerMs = 2 ** 31 - 1;

export interface WatchdogServerOptions {
  readonly settings: ServerSettings;
  readonly modeName: WatchdogMode;
  readonly mode: Mode;
  /** Where connections that change their protocol go; undefined: nowhere. */
  readonly upstream: UpstreamAddress | undefined;
  /** Whether the function takes calls. */
  readonly isReady: () => boolean;
  readonly lock: LockFile;
  readonly metrics: CallMetrics;
  readonly log: LogWriter;
  readonly callLog: CallLog;
  /** Takes what `write_debug` and `debug_headers` print. */
  readonly print: (text: string | Buffer) => void;
}

export class WatchdogServer {
  readonly #options: WatchdogServerOptions;
  readonly #server: Server;
  readonly #calls = new Roster<HttpCall>();
  readonly #tunnels = new Set<Duplex>();
  #running = 0;
  #stopping = false;
  #whenIdle: () => void = () => undefined;

  constructor(options: WatchdogServerOptions) {
    this.#options = options;
    const { readTimeoutMs } = options.settings;
    this.#server = createServer(
      {
        maxHeaderSize: longestHead,
        requestTimeout: readTimeoutMs,
        headersTimeout: readTimeoutMs,
        keepAliveTimeout: readTimeoutMs,
        connectionsCheckingInterval: checkMs,
        noDelay: true,
      },
      (request, response) => this.#request(request, response),
    );
    this.#server.maxHeadersCount = 0;
    const { upstream } = options;
    if (upstream !== undefined) this.#server.on('upgrade', (...args) => this.#upgrade(upstream, ...args));
  }

  /** Resolves with the port. */
  listen(host: string | undefined): Promise<number> {
    return listenOn(this.#server, host, this.#options.settings.port, 'calls', 'port');
  }

  /** Stops as invariant 2 says; resolves with the number of calls that outlasted the grace. `hurry`: no more waiting. */
  async stop(hurry: AbortSignal): Promise<number> {
    const { settings, lock, log } = this.#options;
    this.#stopping = true;
    lock.remove();
    log.line(`stopping: not healthy any more, no new connections in ${settings.healthcheckIntervalMs / 1000}s`);
    await pause(settings.healthcheckIntervalMs, hurry);
    this.#server.close();
    log.line(`No new connections allowed, draining: ${this.#running} requests`);
    const idle = new Promise<void>((resolve) => (this.#whenIdle = resolve));
    this.#tellIfIdle();
    const over = new AbortController();
    const grace = settings.graceMs === 0 ? longestTimerMs : settings.graceMs;
    await Promise.race([idle, pause(grace, AbortSignal.any([hurry, over.signal]))]);
    over.abort();
    const lost = this.#calls.size;
    this.#calls.each((call) => call.abandon());
    for (const tunnel of this.#tunnels) tunnel.destroy();
    this.#server.closeAllConnections();
    log.line(`Exiting. Active connections: ${lost}`);
    return lost;
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.startsWith('/_/') === true ? request.url.split('?', 1)[0] : '';
    if (path === '/_/health') return this.#health(request, response);
    if (path === '/_/ready') return this.#ready(request, response);
    this.#begin(request, response, readRequest(request));
  }

  #begin(request: IncomingMessage, response: ServerResponse, read: ReadRequest): void {
    const { settings, mode, metrics, callLog, print } = this.#options;
    const startedMs = performance.now();
    metrics.begin();
    const onAnswered = (call: HttpCall): void => {
      const seconds = (performance.now() - startedMs) / 1000;
      this.#calls.delete(call);
      metrics.end(call.status, read.head.method, seconds);
      callLog.end(read, call.status, call.bytesSent, seconds);
      this.#tellIfIdle();
    };
    const refusal = this.#refusal(read);
    const call = this.#open(request, response, read, {
      onAnswered,
      onOver: () => {
        this.#running -= 1;
        this.#tellIfIdle();
      },
      ...(settings.writesHeaders
        ? { onHead: (_: number, fields: readonly string[]) => this.#printFields('out', fields) }
        : {}),
      ...(settings.writesOutput ? { onOutput: print } : {}),
    });
    this.#calls.add(call);
    if (settings.writesHeaders) this.#printFields('in', read.head.fields);
    if (refusal !== undefined) return call.refuse(refusal);
    this.#running += 1;
    callLog.begin(read);
    call.start(mode, read);
  }

  #open(
    request: IncomingMessage,
    response: ServerResponse,
    read: ReadRequest,
    parts: Pick<ConstructorParameters<typeof HttpCall>[2], 'onAnswered' | 'onOver' | 'onHead' | 'onOutput'>,
  ): HttpCall {
    const { callTimeoutMs } = this.#options.settings;
    const asked = read.timeoutMs ?? Number.POSITIVE_INFINITY;
    const timeoutMs = callTimeoutMs === 0 ? (read.timeoutMs ?? 0) : Math.min(asked, callTimeoutMs);
    return new HttpCall(request, response, {
      timeoutMs: Math.min(timeoutMs, longestTimerMs),
      late: (ms) => this.#late(ms),
      closes: () => this.#stopping,
      ...parts,
    });
  }

  #refusal({ head }: ReadRequest): OwnAnswer | undefined {
    const { maxInflight } = this.#options.settings;
    if (head.fields.length > 2 * mostFields) {
      return { status: 431, text: `more than ${mostFields} header fields\n`, fields: plainText };
    }
    if (maxInflight === 0 || this.#running < maxInflight) return undefined;
    const text = `Concurrent request limit exceeded. Max concurrent requests: ${maxInflight}\n`;
    return { status: 429, text, fields: ['Content-Type', 'text/plain', 'X-OpenFaaS-Internal', 'faas-middleware'] };
  }

  #late(timeoutMs: number): OwnAnswer {
    if (this.#options.modeName === 'classic') return { status: 408, text: 'Killed process.\n', fields: plainText };
    const text = `the function did not answer within ${timeoutMs / 1000}s\n`;
    const seconds = ['X-Duration-Seconds', (timeoutMs / 1000).toFixed(6)];
    return { status: 504, text, fields: [...plainText, ...seconds, 'X-OpenFaaS-Internal', 'of-watchdog'] };
  }

  #health(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET') return void response.writeHead(405, ['Allow', 'GET']).end();
    const isHealthy = !this.#stopping && this.#options.lock.isHealthy;
    response.writeHead(isHealthy ? 200 : 503, plainText).end(isHealthy ? 'OK' : 'not healthy\n');
  }

  #ready(request: IncomingMessage, response: ServerResponse): void {
    const { settings, lock, mode } = this.#options;
    const { readyPath, maxInflight } = settings;
    if (request.method !== 'GET') return void response.writeHead(405, ['Allow', 'GET']).end();
    if (this.#stopping || !lock.isHealthy || !this.#options.isReady()) {
      return void response.writeHead(503, plainText).end('not ready\n');
    }
    if (maxInflight > 0 && this.#running >= maxInflight) {
      return void response.writeHead(429, plainText).end('all places are taken\n');
    }
    if (readyPath === undefined) return void response.writeHead(200).end();
    const read = readRequest(request);
    const probe = { ...read, hasBody: false, head: { ...read.head, target: readyPath, contentLength: 0 } };
    const ignore = (): void => undefined;
    this.#open(request, response, read, { onAnswered: ignore, onOver: ignore }).start(mode, probe);
  }

  #upgrade(upstream: UpstreamAddress, request: IncomingMessage, client: Duplex, first: Buffer): void {
    const { maxInflight } = this.#options.settings;
    if (this.#stopping || (maxInflight > 0 && this.#running >= maxInflight)) {
      client.on('error', () => undefined);
      const status = this.#stopping ? '503 Service Unavailable' : '429 Too Many Requests';
      return void client.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
    this.#running += 1;
    this.#tunnels.add(client);
    openTunnel(request, client, first, upstream, () => {
      this.#running -= 1;
      this.#tunnels.delete(client);
      this.#tellIfIdle();
    });
  }

  #printFields(direction: 'in' | 'out', fields: readonly string[]): void {
    for (let at = 0; at < fields.length; at += 2)
      this.#options.print(`[${direction}] ${fields[at]}=[${fields[at + 1]}]\n`);
  }

  #tellIfIdle(): void {
    if (this.#running === 0 && this.#calls.size === 0) this.#whenIdle();
  }
}

/** Resolves after the time, or when it is of no use any more. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(Math.min(ms, longestTimerMs), undefined, { signal }).catch(() => undefined);
}
