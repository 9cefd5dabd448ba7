import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Program } from './fork-plan.ts';
import { ProcessGroup } from './process-group.ts';
import type { UpstreamAddress } from './upstream-connection.ts';

const firstPauseMs = 2;
const longestPauseMs = 100;

export interface UpstreamProgramOptions {
  readonly program: Program;
  /** Where it may listen; the first it is found at is taken. */
  readonly addresses: readonly UpstreamAddress[];
  /** Whether it is its own listener that was found there; left out where nobody else can be. */
  readonly owns?: (port: number) => Promise<boolean>;
  /** `inherit`, or where each chunk of its output goes. */
  readonly output: 'inherit' | ((stream: 'stdout' | 'stderr', bytes: Buffer | undefined) => void);
  /** It ended without being asked to. */
  onExit(reason: string): void;
}

/** The program of mode `http`: started once, listening on an address it knows by itself. */
export class UpstreamProgram {
  /** Resolves with where it accepts connections; rejects when it ended before, or somebody else is there already. */
  readonly ready: Promise<UpstreamAddress>;
  readonly #options: UpstreamProgramOptions;
  readonly #ended = new AbortController();
  #child: ChildProcess | undefined;
  #closing = false;
  #isUp = false;

  constructor(options: UpstreamProgramOptions) {
    this.#options = options;
    this.ready = this.#start();
    this.ready.catch(() => undefined);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** SIGTERM now, SIGKILL a little later; resolves when it has ended. */
  async close(): Promise<void> {
    this.#closing = true;
    const child = this.#child;
    if (child === undefined || this.#ended.signal.aborted) return;
    const group = new ProcessGroup(child);
    group.stop();
    await new Promise<void>((resolve) => {
      if (this.#ended.signal.aborted) resolve();
      else this.#ended.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    group.sweep();
  }

  async #start(): Promise<UpstreamAddress> {
    const { addresses } = this.#options;
    const taken = await Promise.all(addresses.map(accepts));
    const free = addresses.filter((_, at) => taken[at] === false);
    if (free.length === 0) {
      const where = addresses.map(({ host, port }) => `${host}:${port}`).join(', ');
      throw new Error(`another program listens on ${where} already, where the function's own should (upstream_url)`);
    }
    if (!this.#closing) this.#spawn();
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.3)) {
      const found = await this.#find(free);
      if (this.#ended.signal.aborted || this.#closing) throw new Error(String(this.#ended.signal.reason));
      if (found !== undefined) {
        this.#isUp = true;
        return found;
      }
      await delay(pauseMs, undefined, { signal: this.#ended.signal }).catch(() => undefined);
    }
  }

  async #find(addresses: readonly UpstreamAddress[]): Promise<UpstreamAddress | undefined> {
    const { owns } = this.#options;
    for (const address of addresses) {
      if ((await accepts(address)) && (owns === undefined || (await owns(address.port)))) return address;
    }
    return undefined;
  }

  #spawn(): void {
    const { program, output } = this.#options;
    const { file, args, cwd, env } = program;
    const stdio = output === 'inherit' ? 'inherit' : 'pipe';
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', stdio, stdio] });
    this.#child = child;
    if (output !== 'inherit') {
      for (const name of ['stdout', 'stderr'] as const) {
        child[name]?.on('data', (bytes: Buffer) => output(name, bytes));
        child[name]?.on('end', () => output(name, undefined));
      }
    }
    child.on('error', (error) => this.#exited(`it could not be started: ${error.message}`));
    child.on('exit', (code, signal) =>
      this.#exited(code === null ? `it was ended by ${signal}` : `it ended with exit status ${code}`),
    );
  }

  #exited(reason: string): void {
    if (this.#ended.signal.aborted) return;
    this.#isUp = false;
    this.#ended.abort(reason);
    if (!this.#closing) this.#options.onExit(reason);
  }
}

function accepts(address: UpstreamAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, autoSelectFamily: true });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
