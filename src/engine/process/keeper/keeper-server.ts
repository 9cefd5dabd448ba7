import { timingSafeEqual } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { type Server, type Socket, createServer } from 'node:net';
import { readJsonLines, writeJsonLine } from './json-lines.ts';
import type { Keeper } from './keeper.ts';
import {
  type ExecRequest,
  type KeeperErrorCode,
  type KeeperEvent,
  type KeeperHello,
  type KeeperReply,
  type KeeperRequest,
} from './protocol.ts';

/** A connection that does not say hello within this time is no platform. */
const helloTimeoutMs = 5000;

interface ServerOptions {
  readonly nonce: string;
  readonly hello: KeeperHello;
  readonly orphanMs: number;
  /** Called once: nobody came for `orphanMs`, or the platform asked for the end. */
  onEnd(): void;
}

/**
 * The keeper's side of the socket.
 *
 * 1. One platform at a time: who comes second is told `busy`.
 * 2. Without a platform for `orphanMs`, from the start on, `onEnd` is called.
 */
export class KeeperServer {
  readonly #options: ServerOptions;
  readonly #server: Server;
  #keeper: Keeper | undefined;
  #platform: Socket | undefined;
  #orphanTimer: NodeJS.Timeout | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#greet(socket));
  }

  /** Rejects when another keeper answers at this path. */
  async listen(path: string, keeper: Keeper): Promise<void> {
    this.#keeper = keeper;
    const before = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(path, resolve);
      });
    } finally {
      process.umask(before);
    }
    chmodSync(path, 0o600);
    this.#waitForPlatform();
  }

  get hasPlatform(): boolean {
    return this.#platform !== undefined;
  }

  /** False when no platform is there to hear it. */
  tell(event: KeeperEvent): boolean {
    if (this.#platform === undefined) return false;
    writeJsonLine(this.#platform, event);
    return true;
  }

  /** Takes no more platforms and removes the socket file. */
  close(): void {
    clearTimeout(this.#orphanTimer);
    this.#server.close();
  }

  /** Lets the last words out, then hangs up. */
  hangUp(): void {
    this.#platform?.end();
  }

  #waitForPlatform(): void {
    if (!this.#server.listening) return;
    this.#orphanTimer = setTimeout(() => this.#options.onEnd(), this.#options.orphanMs);
  }

  #greet(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), helloTimeoutMs);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      if (this.#platform !== socket) return;
      this.#platform = undefined;
      this.#waitForPlatform();
    });
    const stopReading = readJsonLines(socket, (message) => {
      const { seq, ...request } = message as (KeeperRequest | ExecRequest) & { readonly seq: number };
      if (request.op === 'exec') {
        clearTimeout(timer);
        stopReading();
        void this.#exec(socket, seq, request);
      } else if (request.op === 'hello') {
        clearTimeout(timer);
        this.#hello(socket, seq, request.nonce);
      } else if (this.#platform === socket) {
        void this.#answer(socket, seq, request);
      } else socket.destroy();
    });
  }

  #hello(socket: Socket, seq: number, nonce: string): void {
    if (!sameSecret(nonce, this.#options.nonce)) {
      socket.end(`${JSON.stringify(refusal(seq, 'refused', 'this is not the platform that started this keeper'))}\n`);
    } else if (this.#platform !== undefined && this.#platform !== socket) {
      socket.end(`${JSON.stringify(refusal(seq, 'busy', 'another platform is connected to this keeper'))}\n`);
    } else {
      clearTimeout(this.#orphanTimer);
      this.#platform = socket;
      writeJsonLine(socket, { seq, result: this.#options.hello });
    }
  }

  /** A connection for one command; only the platform knows the nonce. */
  async #exec(socket: Socket, seq: number, { nonce, order }: ExecRequest): Promise<void> {
    const keeper = this.#keeper;
    if (keeper === undefined || this.#platform === socket || !sameSecret(nonce, this.#options.nonce)) {
      socket.destroy();
      return;
    }
    try {
      await keeper.exec(order, socket, (pid) => writeJsonLine(socket, { seq, result: { pid } }));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      socket.end(`${JSON.stringify(refusal(seq, 'failed', text))}\n`);
      socket.resume();
    }
  }

  async #answer(socket: Socket, seq: number, request: KeeperRequest): Promise<void> {
    let reply: KeeperReply;
    try {
      reply = { seq, result: await this.#perform(request) };
    } catch (error) {
      reply = refusal(seq, 'failed', error instanceof Error ? error.message : String(error));
    }
    writeJsonLine(socket, reply);
    if (request.op === 'shutdown') this.#options.onEnd();
  }

  async #perform(request: KeeperRequest): Promise<unknown> {
    const keeper = this.#keeper;
    if (keeper === undefined) return null;
    if (request.op === 'spawn') return await keeper.spawn(request.program);
    if (request.op === 'list') return keeper.list();
    if (request.op === 'lines') return keeper.lastLines(request.id);
    if (request.op === 'assign') keeper.assign(request.id, request.log);
    if (request.op === 'note') keeper.remember(request.id, request.note);
    if (request.op === 'stop') keeper.stop(request.id, request.graceMs);
    if (request.op === 'kill') keeper.kill(request.id);
    return null;
  }
}

function refusal(seq: number, code: KeeperErrorCode, error: string): KeeperReply {
  return { seq, error, code };
}

function sameSecret(given: unknown, expected: string): boolean {
  const a = Buffer.from(String(given));
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
