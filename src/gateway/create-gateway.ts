import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { same } from '../model/hop-by-hop.ts';
import { shorten } from '../model/shorten.ts';
import { execProtocol } from '../model/exec-frame.ts';
import { TinderboxError } from '../model/errors.ts';
import { createServer, ServerResponse } from '../model/node-http.ts';
import { answerAsync, type AsyncCallContext } from './async-call.ts';
import { createCallIds } from './call-ids.ts';
import { answerClientError } from './client-error.ts';
import { createControlGuard } from './control-guard.ts';
import { DataCall, type DataCallContext } from './data-call.ts';
import { type DataPath, originForm, parseAsyncPath, parseDataPath } from './data-path.ts';
import type { Gateway, GatewayOptions, GatewayLimits } from './gateway.ts';
import { type EdgeError, edgeErrorFrom, writeEdgeError } from './edge-error.ts';
import { dropLeftover } from './leftover.ts';
import { listenOn } from './listen.ts';
import { clientStalled } from './request-body.ts';
import { requestFault } from './request-fault.ts';
import { StallWatch } from './stall-watch.ts';
import { openTunnel } from './tunnel.ts';
import { watchUpload } from './upload-watch.ts';

/** Idle connections are kept longer than load balancers keep theirs, so that it is they who close. */
const keepAliveTimeoutMs = 75_000;
const defaultMaxConnections = 16_384;

/** The gateway on node:http, by hand: no framework sees a call of a function. */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options);
}

class HttpGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #server: Server;
  readonly #calls: DataCallContext;
  readonly #asyncCalls: AsyncCallContext;
  readonly #control: RequestListener;
  readonly #watch: StallWatch;
  readonly #tunnels = new Set<Socket>();
  #closed: Promise<void> | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { limits } = options.config;
    this.#watch = new StallWatch(limits.stallTimeoutMs);
    this.#control = createControlGuard({
      control: options.control,
      check: (authorization) => options.auth.check(authorization),
      trustedOrigins: options.trustedOrigins ?? [],
      portalUrl: options.portalUrl,
    });
    this.#calls = {
      invoke: options.invoke,
      newCallId: createCallIds(),
      isPlatformCredential: (authorization) => options.auth.check(authorization),
      bodyBytes: limits.bodyBytes,
      watch: this.#watch,
      servedBy: `tinderbox/${options.version}`,
      closing: () => this.#closed !== undefined,
    };
    this.#asyncCalls = {
      ...this.#calls,
      door: options.async,
      routeExists: ({ key }) => options.routeExists(key),
      isAuthorized: (authorization) => options.auth.check(authorization),
    };
    this.#server = this.#createServer();
  }

  async listen(): Promise<{ url: string; port: number }> {
    const { host } = this.#options.config;
    const port = await listenOn(this.#server, host, this.#options.config.port, '--port');
    const shown = host.includes(':') ? `[${host}]` : host;
    return { url: `http://${shown}:${port}`, port };
  }

  close(signal: AbortSignal): Promise<void> {
    this.#closed ??= this.#drain(signal);
    return this.#closed;
  }

  #createServer(): Server {
    const { limits } = this.#options.config;
    const server = createServer({
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      // A whole request may take as long as it makes progress; the stall watch looks after that.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(5000, Math.max(20, limits.headersTimeoutMs / 4)),
      keepAliveTimeout: keepAliveTimeoutMs,
      // Refused here, in words.
      requireHostHeader: false,
      shouldUpgradeCallback: (request: IncomingMessage) => this.#wantsTunnel(request),
    });
    server.maxConnections = this.#options.maxConnections ?? defaultMaxConnections;
    // The head is bounded in bytes; a bound on their number would drop headers silently.
    server.maxHeadersCount = 0;
    server.on('request', (request, response) => this.#request(request, response, false));
    server.on('checkContinue', (request, response) => this.#request(request, response, true));
    server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
      const text = `Expect "${shorten(request.headers.expect ?? '')}": only 100-continue is understood`;
      this.#refuse(request, response, { status: 417, text, retryAfterSeconds: undefined });
    });
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    server.on('connect', (_request, socket: Duplex) => refuseConnect(socket, limits));
    server.on('clientError', (error, socket) => {
      if ((error as NodeJS.ErrnoException).code === 'ERR_HTTP_REQUEST_TIMEOUT')
        judgeLate(error, socket as Socket, limits);
      else answerClientError(error, socket, hasBegun(socket), limits);
    });
    return server;
  }

  #request(request: IncomingMessage, response: ServerResponse, expected: boolean): void {
    // The parser knows HTTP/0.9, which has neither headers nor a status; nothing here speaks it.
    if (request.httpVersionMajor !== 1) {
      answerClientError(
        new TinderboxError('invalid', 'unknown HTTP version'),
        request.socket,
        false,
        this.#options.config.limits,
      );
      return;
    }
    const fault = requestFault(request);
    if (fault !== undefined) {
      this.#refuse(request, response, edgeErrorFrom(fault, ''));
      return;
    }
    // An offer to switch that was sent ahead, before this one's turn: node:http drops what came behind it.
    if (response.socket === null && request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    request.url = originForm(request.url ?? '');
    const path = this.#dataPath(request.url);
    if (path !== undefined) {
      new DataCall(this.#calls, request, response, path).start(this.#options.routeExists(path.key), expected);
      return;
    }
    const asyncPath = parseAsyncPath(request.url);
    if (asyncPath !== undefined) {
      void answerAsync(this.#asyncCalls, request, response, asyncPath, expected);
      return;
    }
    response.once('close', () => dropLeftover(request, this.#calls));
    if (expected) response.writeContinue();
    watchUpload(request, this.#watch, () => {
      answerClientError(clientStalled(), request.socket, response.headersSent, this.#options.config.limits);
    });
    this.#control(request, response);
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: EdgeError): void {
    response.once('close', () => dropLeftover(request, this.#calls));
    writeEdgeError(response, error, 'gateway', ['Connection', 'close']);
  }

  #dataPath(url: string): DataPath | undefined {
    const { sole } = this.#options;
    return sole === undefined ? parseDataPath(url) : { key: sole, target: url };
  }

  /**
   * Any other `Upgrade` (h2c, for example) is a normal request whose offer is not taken up; so is one that was sent ahead
   * of an answer, since the connection cannot be handed over while that is under way.
   */
  #wantsTunnel(request: IncomingMessage): boolean {
    if (requestFault(request) !== undefined || messageOf(request.socket) !== undefined) return false;
    const protocol = request.headers.upgrade ?? '';
    const url = originForm(request.url ?? '');
    if (this.#dataPath(url) !== undefined) return same(protocol, 'websocket');
    return same(protocol, execProtocol) && parseAsyncPath(url) === undefined;
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    request.url = originForm(request.url ?? '');
    const path = this.#dataPath(request.url);
    socket.on('error', () => socket.destroy());
    this.#tunnels.add(socket);
    socket.once('close', () => this.#tunnels.delete(socket));
    // Whatever the function answers instead of switching goes out like any other answer.
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.end(() => socket.destroy()));
    if (path === undefined) {
      // Whoever takes the connection over finds in it what was sent ahead.
      if (head.length > 0) socket.unshift(head);
      this.#control(request, response);
      return;
    }
    // As with any request: who says no more while it waits for the answer has left.
    const left = (): void => void socket.destroy();
    socket.once('end', left);
    const call = new DataCall(this.#calls, request, response, path, (reply, own) => {
      socket.off('end', left);
      response.removeAllListeners('close');
      response.detachSocket(socket);
      openTunnel(socket, head, reply, own, this.#options.config.limits.stallTimeoutMs);
    });
    call.start(this.#options.routeExists(path.key), false);
  }

  async #drain(signal: AbortSignal): Promise<void> {
    const ended = new Promise<void>((done) => {
      this.#server.close(() => done());
    });
    for (const tunnel of this.#tunnels) tunnel.end();
    // Answers that began before now leave their connection open; it goes when it is idle.
    const sweep = setInterval(() => this.#server.closeIdleConnections(), 50);
    const cut = (): void => {
      this.#server.closeAllConnections();
      for (const tunnel of this.#tunnels) tunnel.destroy();
    };
    if (signal.aborted) cut();
    signal.addEventListener('abort', cut, { once: true });
    await ended;
    signal.removeEventListener('abort', cut);
    clearInterval(sweep);
    this.#watch.close();
  }
}

/** The one method without a resource: its target is where a proxy would go. An answer under way cannot be overtaken. */
function refuseConnect(socket: Duplex, limits: GatewayLimits): void {
  socket.on('error', () => socket.destroy());
  const error = new TinderboxError('unsupported', 'CONNECT is for proxies, and this is none');
  answerClientError(error, socket, messageOf(socket) !== undefined, limits);
}

/**
 * A head that is late by node:http's clock may lie in the kernel, unread because this process was held up: it is read
 * before the client is judged.
 */
function judgeLate(error: Error, socket: Socket, limits: GatewayLimits): void {
  const { bytesWritten } = socket;
  setImmediate(() => {
    const arrived = messageOf(socket) !== undefined || socket.bytesWritten > bytesWritten;
    if (!arrived) answerClientError(error, socket, false, limits);
  });
}

/** Whether an answer has begun on this connection: node:http keeps it on the socket. */
function hasBegun(socket: Duplex): boolean {
  return messageOf(socket)?.headersSent === true;
}

/** The answer under way on this connection. */
function messageOf(socket: Duplex): ServerResponse | undefined {
  return (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}
