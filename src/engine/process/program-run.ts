import { specialiseInstance } from '../../frame/specialise.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { InstanceAddress } from '../../model/instance.ts';
import { cagePids } from '../../sandbox/cage.ts';
import type { Workload } from '../engine.ts';
import type { Copy, CopyEnding, ReadyCopy } from '../runner.ts';
import { formatAdoptionNote } from './adoption-note.ts';
import { awaitListening } from './await-listening.ts';
import { copyEndingFromProgram, copyEndingFromRefusal } from './copy-ending.ts';
import { functionEnv } from './function-env.ts';
import { awaitHttpReady } from './http-ready.ts';
import type { Launched } from './launch-program.ts';
import { identityFromWorkload, specialiseFromWorkload } from './launch-plan.ts';
import { type Obtained, obtainProgram } from './obtain-program.ts';
import type { ProcessHost } from './process-host.ts';
import type { WarmPool } from './warm-pool.ts';

/**
 * One instance from the decision to start it to its last trace.
 *
 * 1. `ended` resolves exactly once, after processes, cage, folder and secrets are gone.
 * 2. A start that fails, in whatever way, kills what it began; the first reason is the one that is told.
 * 3. `stop` before it is ready ends the start.
 */
export class ProgramRun implements Copy {
  readonly ready: Promise<ReadyCopy>;
  readonly exiting: Copy['exiting'];
  readonly ended: Promise<CopyEnding>;
  readonly #host: ProcessHost;
  readonly #workload: Workload;
  readonly #instanceId: string;
  readonly #starting = new AbortController();
  readonly #ready = Promise.withResolvers<ReadyCopy>();
  readonly #exiting = Promise.withResolvers<Awaited<Copy['exiting']>>();
  #launched: Launched | undefined;
  #stopping: { readonly graceMs: number } | undefined;
  #isReady = false;
  #failure: unknown;

  constructor(host: ProcessHost, pool: WarmPool, workload: Workload, instanceId: string) {
    this.#host = host;
    this.#workload = workload;
    this.#instanceId = instanceId;
    this.ready = this.#ready.promise;
    this.exiting = this.#exiting.promise;
    this.ended = this.#live(pool);
  }

  stop(graceMs: number): void {
    if (this.#stopping !== undefined) return;
    this.#stopping = { graceMs };
    this.#starting.abort(new TinderboxError('canceled', 'it was stopped before it was ready'));
    this.#launched?.program.stop(this.#isReady ? graceMs : 0);
  }

  async #live(pool: WarmPool): Promise<CopyEnding> {
    const { startTimeoutMs } = this.#host;
    const timer = setTimeout(() => this.#starting.abort(neverReady(startTimeoutMs)), startTimeoutMs);
    const startedAtMs = performance.now();
    let obtained: Obtained;
    try {
      obtained = await obtainProgram(this.#host, pool, this.#workload, this.#instanceId, this.#starting.signal);
    } catch (error) {
      clearTimeout(timer);
      return copyEndingFromRefusal(error, performance.now() - startedAtMs);
    }
    const { launched } = obtained;
    this.#launched = launched;
    void launched.program.exiting.then(({ lost }) => {
      this.#host.portOwners.remove(this.#instanceId);
      this.#host.running.delete(this.#instanceId);
      this.#exiting.resolve({ blameless: lost });
    });
    await this.#start(obtained);
    clearTimeout(timer);
    const end = await launched.gone;
    const startFailure = this.#isReady || this.#stopping !== undefined ? undefined : { error: this.#failure };
    return copyEndingFromProgram(end, startFailure);
  }

  async #start(obtained: Obtained): Promise<void> {
    const { launched } = obtained;
    const { signal } = this.#starting;
    void launched.program.ended.then(() => this.#starting.abort(endedEarly()));
    try {
      signal.throwIfAborted();
      const address = await this.#becomeReady(obtained, signal);
      this.#isReady = true;
      this.#tellReady(obtained, address);
    } catch (error) {
      this.#failure = signal.aborted ? signal.reason : error;
      launched.program.kill();
    }
  }

  async #becomeReady(obtained: Obtained, signal: AbortSignal): Promise<InstanceAddress> {
    const { launched, plan, port } = obtained;
    if (plan.runtime === undefined) return await this.#httpReady(launched, port ?? 0, signal);
    const { socketPath } = launched.folder;
    if (!obtained.pooled) await awaitListening(launched.program, signal);
    const identity = obtained.pooled ? identityFromWorkload(this.#workload) : undefined;
    const message = specialiseFromWorkload(this.#workload, this.#instanceId, this.#env(launched), identity);
    const place = { socketPath, owner: this.#workload.identity?.uid ?? process.geteuid?.() ?? 0 };
    const answer = await specialiseInstance(place, message, signal);
    if (answer.ok) return { kind: 'frame', ...place };
    throw new TinderboxError('cannot-start', 'the handler could not be loaded', { cause: answer.reason });
  }

  async #httpReady(launched: Launched, port: number, signal: AbortSignal): Promise<InstanceAddress> {
    const { settings, identity } = this.#workload;
    const { cage, program } = launched;
    const owner = { port, uid: identity?.uid, pids: () => cagePids(cage, program.pid) };
    const host = await awaitHttpReady({ owner, path: settings.readyPath }, signal);
    if (!program.over) this.#host.portOwners.add(this.#instanceId, owner);
    return { kind: 'http', host, port };
  }

  #env({ folder, secretsDir }: Launched): Record<string, string> {
    const { home, tmp } = folder;
    return functionEnv(this.#workload, { home, tmp, secrets: secretsDir, path: this.#host.path });
  }

  #tellReady({ launched, pooled }: Obtained, address: InstanceAddress): void {
    if (!launched.program.over) this.#host.running.set(this.#instanceId, launched);
    const uid = this.#workload.identity?.uid;
    const protections = uid === undefined ? launched.protections : { ...launched.protections, uid };
    const { pid } = launched.program;
    const ready: ReadyCopy = { address, pid, pooled, protections };
    launched.program.note(formatAdoptionNote(this.#instanceId, this.#workload, ready, this.#host.runtimes.uses));
    this.#ready.resolve(ready);
  }
}

function neverReady(timeoutMs: number): TinderboxError {
  return new TinderboxError('deadline', `it never became ready within ${timeoutMs / 1000} s`);
}

function endedEarly(): TinderboxError {
  return new TinderboxError('cannot-start', 'it ended before it was ready');
}
