import { TinderboxError } from '../../model/errors.ts';
import type { FunctionSettings } from '../../model/settings.ts';
import { notice } from '../../observe/channels.ts';
import type { Workload } from '../engine.ts';
import { defaultPath, hasStartBoundEnv } from './function-env.ts';
import { createProgramId } from './instance-folder.ts';
import { awaitListening } from './await-listening.ts';
import { type LaunchRequest, type Launched, launchProgram } from './launch-program.ts';
import { type PooledRuntime, runtimeCommand } from './launch-plan.ts';
import { type ProcessHost, limitsFromSettings } from './process-host.ts';

/** Limits a warm process is born with; a claim changes them to the function's. */
const bornWith = { memoryBytes: 512 * 2 ** 20, cpuMillis: 0, pids: 256 };
/** Claims of this long ago still say that more will come. */
const recentMs = 30_000;
/** Refilling waits this long after the last start, so that it never competes with one. */
const quietMs = 50;
/** It yields at most this long: a function that fails and starts for ever must not empty the pool for all. */
const longestYieldMs = 2000;
/** A warm process that cannot be made is tried again after this. */
const retryMs = 5000;
const listenTimeoutMs = 30_000;
/** A warm Node process uses some 50 MB; a limit near that cannot be put on it any more. */
const leastMemoryBytes = 96 * 2 ** 20;

/** How many to hold: the base, and one more per recent claim up to twice the base. Pure. */
export function decidePoolSize(base: number, recentClaims: number): number {
  return base + Math.min(base, recentClaims);
}

/** Whether a warm process can become this function: nothing it asks for is decided when a process starts. Pure. */
export function canUsePool(workload: Workload, cgroup: boolean): boolean {
  const { settings, readOnlyRootFilesystem, env, artifact } = workload;
  if (settings.network !== 'host' || settings.isolation !== 'auto' || readOnlyRootFilesystem) return false;
  if (settings.memoryBytes < leastMemoryBytes || hasStartBoundEnv(env)) return false;
  // Node sizes its heap once, by the memory it is born with; what is given later it would never use.
  if (artifact.manifest.language === 'node' && settings.memoryBytes > bornWith.memoryBytes) return false;
  return cgroup || isBornWith(settings);
}

/** Whether a warm process has the function's limits already. Pure. */
export function isBornWith({ memoryBytes, cpuMillis, pids }: FunctionSettings): boolean {
  return memoryBytes === bornWith.memoryBytes && cpuMillis === bornWith.cpuMillis && pids === bornWith.pids;
}

export interface PoolOptions {
  readonly host: ProcessHost;
  /** Warm processes held per runtime; 0 = none. */
  readonly sizes: Readonly<Record<PooledRuntime, number>>;
  /** Starts of instances under way now; the pool waits while there are any. */
  starting(): number;
}

/**
 * Generic processes that listen already and wait to become a function.
 *
 * 1. A warm process is claimed at most once, and only while it lives.
 * 2. Each is born in the cage it keeps; a claim only changes limits, owner, secrets and log.
 * 3. Refilling is one process at a time and yields to starts of instances, but not for ever.
 */
export class WarmPool {
  readonly #options: PoolOptions;
  readonly #warm: Readonly<Record<PooledRuntime, Set<Launched>>> = { node: new Set(), python: new Set() };
  readonly #claims: Readonly<Record<PooledRuntime, number[]>> = { node: [], python: [] };
  #timer: NodeJS.Timeout | undefined;
  #yieldingSinceMs: number | undefined;
  #filling: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Warm processes ready to be claimed. */
  size(runtime: PooledRuntime): number {
    return this.#warm[runtime].size;
  }

  /** Begins to fill. */
  start(): void {
    this.#soon(0);
  }

  /** A warm process that now belongs to the caller; undefined when there is none. */
  claim(runtime: PooledRuntime): Launched | undefined {
    if (this.#options.sizes[runtime] > 0) this.#claims[runtime].push(performance.now());
    for (const launched of this.#warm[runtime]) {
      this.#warm[runtime].delete(launched);
      this.#soon(quietMs);
      if (!launched.program.over) return launched;
    }
    this.#soon(quietMs);
    return undefined;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#filling;
    const all = [...this.#warm.node, ...this.#warm.python];
    for (const launched of all) launched.program.kill();
    await Promise.all(all.map((launched) => launched.gone));
  }

  #soon(afterMs: number): void {
    if (this.#closing.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#filling ??= this.#adjust().finally(() => {
        this.#filling = undefined;
      });
    }, afterMs);
  }

  /** Drops what is too much, makes one of what is missing, then the next; comes back while claims are still recent. */
  async #adjust(): Promise<void> {
    if (this.#yields()) return this.#soon(quietMs);
    for (const runtime of ['node', 'python'] as const) {
      const wanted = this.#wanted(runtime);
      while (this.#warm[runtime].size > wanted) this.#dropOne(runtime);
      if (this.#warm[runtime].size >= wanted) continue;
      const made = await this.#make(runtime);
      return this.#soon(made ? 0 : retryMs);
    }
    if (this.#claims.node.length + this.#claims.python.length > 0) this.#soon(recentMs);
  }

  #yields(): boolean {
    const nowMs = performance.now();
    if (this.#options.starting() === 0 || nowMs - (this.#yieldingSinceMs ?? nowMs) > longestYieldMs) {
      this.#yieldingSinceMs = undefined;
      return false;
    }
    this.#yieldingSinceMs ??= nowMs;
    return true;
  }

  #wanted(runtime: PooledRuntime): number {
    const base = this.#options.sizes[runtime];
    const oldest = performance.now() - recentMs;
    const claims = this.#claims[runtime];
    claims.splice(0, claims.findLastIndex((at) => at < oldest) + 1);
    return decidePoolSize(base, claims.length);
  }

  #dropOne(runtime: PooledRuntime): void {
    const [launched] = this.#warm[runtime];
    if (launched === undefined) return;
    this.#warm[runtime].delete(launched);
    launched.program.kill();
  }

  async #make(runtime: PooledRuntime): Promise<boolean> {
    const { host } = this.#options;
    let launched: Launched | undefined;
    try {
      launched = await launchProgram(host, this.#request(runtime), this.#closing.signal);
      this.#watchEnd(runtime, launched);
      await awaitListening(
        launched.program,
        AbortSignal.any([this.#closing.signal, AbortSignal.timeout(listenTimeoutMs)]),
      );
      if (this.#closing.signal.aborted) launched.program.kill();
      else this.#warm[runtime].add(launched);
      return true;
    } catch (error) {
      launched?.program.kill();
      const said = (await launched?.gone)?.lastLines.join('\n') ?? '';
      if (this.#closing.signal.aborted) return false;
      const message = `no warm ${runtime} process could be made: ${TinderboxError.from(error).message}`;
      notice.publish({ level: 'warn', part: 'engine', message, details: { said } });
      return false;
    }
  }

  #request(runtime: PooledRuntime): LaunchRequest {
    const { host } = this.#options;
    const id = createProgramId();
    return {
      id,
      cageId: `warm-${runtime}-${id}`,
      command: runtimeCommand(host, runtime, 'the warm pool'),
      cwd: '/',
      identity: undefined,
      identityLater: true,
      limits: limitsFromSettings(bornWith),
      network: 'host',
      isolation: 'auto',
      readOnlyRoot: false,
      secrets: {},
      log: undefined,
      env: (folder) => ({
        TINDERBOX_SOCKET: folder.socketPath,
        TINDERBOX_REHEARSE: '1',
        PATH: defaultPath,
        TMPDIR: folder.tmp,
      }),
    };
  }

  /** One that ends unclaimed leaves the pool. */
  #watchEnd(runtime: PooledRuntime, launched: Launched): void {
    void launched.gone.then(() => {
      if (this.#warm[runtime].delete(launched)) this.#soon(retryMs);
    });
  }
}
