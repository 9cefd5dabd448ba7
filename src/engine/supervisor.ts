import { randomInt } from 'node:crypto';
import { TinderboxError } from '../model/errors.ts';
import type { Instance, Protections } from '../model/instance.ts';
import { type RevisionId, parseRevisionId } from '../model/names.ts';
import type { FunctionSettings } from '../model/settings.ts';
import { coldStart } from '../observe/channels.ts';
import type { Workload } from './engine.ts';
import { InstanceTable } from './instance-table.ts';
import { type Backoff, backoffAfterFailure, decideReconcile, noBackoff, stableAfterMs } from './reconcile.ts';
import type { Copy, CopyEnding, ReadyCopy, Runner } from './runner.ts';

/** Settings of a supervisor; every default is what an engine wants. */
export interface SupervisorOptions {
  readonly runner: Runner;
  /** Starts under way at once over all revisions; default 16. */
  readonly concurrentStarts?: number;
  /** Ready time after which earlier failures are forgotten; default 10 s. */
  readonly stableAfterMs?: number;
  /** Resolves when no call is in flight in a draining instance; default: at once. Waited for at most its grace. */
  readonly whenIdle?: (instanceId: string) => Promise<void>;
}

/** How long an instance may take to end: its calls up to their deadline, then itself. */
export type DrainTimes = Pick<FunctionSettings, 'timeoutMs' | 'graceMs'>;

/** What is known of an adopted copy. */
export type AdoptedInstance = Instance & { readonly state: 'ready' };

interface Revision {
  readonly id: RevisionId;
  workload: Workload | undefined;
  desired: number;
  backoff: Backoff;
  timer: NodeJS.Timeout | undefined;
}

interface Held {
  readonly copy: Copy;
  /** Longest its calls may go on once it drains: no call outlasts its deadline. */
  readonly drainMs: number;
  /** From the stop signal to the kill. */
  readonly graceMs: number;
  readonly ended: Promise<void>;
  stableTimer?: NodeJS.Timeout;
  /** It ended by itself and the failure is counted; what it leaves is still being cleared away. */
  failing?: boolean;
  draining?: string;
  /** Ends the wait for its calls. */
  cutDrain?: () => void;
}

/** When everything stops, calls had their time before: what still goes on then does not heed that it was canceled. */
const closeDrainMs = 1000;
const closeGraceMs = 10_000;

/** Before anything is known: claims nothing. */
const unknownProtections: Protections = {
  cgroup: 'none',
  noNewPrivileges: false,
  mountNamespace: false,
  pidNamespace: false,
  network: 'host',
  memoryLimit: 'none',
  missing: ['not started yet'],
};

/**
 * Keeps as many copies of each revision running as were asked for; the engines that count themselves share it.
 *
 * Owns which copies exist, their states, back-off and draining. Does not own how a copy is run (`Runner`) nor what to
 * do about a difference (`reconcile.ts`).
 *
 * 1. A copy is `draining` for every watcher before it is asked to stop, and as soon as it ended by itself.
 * 2. A copy leaves the living only when its runner says that nothing of it is left.
 * 3. A failure starts the back-off, unless it was the platform's own; ten ready seconds end it.
 * 4. After `close` nothing is started, and no copy has more time than `closeDrainMs` and `closeGraceMs`.
 */
export class Supervisor {
  readonly table: InstanceTable;
  readonly #options: SupervisorOptions;
  readonly #revisions = new Map<RevisionId, Revision>();
  readonly #held = new Map<string, Held>();
  #closed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.table = new InstanceTable(() => performance.now());
  }

  get starting(): number {
    return this.table.starting;
  }

  apply(workload: Workload): void {
    this.#options.runner.check(workload);
    this.#revision(workload.revision).workload = workload;
    this.#reconcile(workload.revision);
  }

  /** Throws `not-found` for a revision that was never applied. */
  scale(id: RevisionId, count: number): void {
    const revision = this.#revisions.get(id);
    if (revision?.workload === undefined) {
      if (count === 0) return this.remove(id);
      throw new TinderboxError('not-found', `revision "${id}" is not known to this engine`);
    }
    revision.desired = count;
    this.#reconcile(id);
  }

  /** What was applied; undefined for a revision that was only adopted so far. */
  workload(id: RevisionId): Workload | undefined {
    return this.#revisions.get(id)?.workload;
  }

  remove(id: RevisionId): void {
    const revision = this.#revisions.get(id);
    if (revision === undefined) return;
    clearTimeout(revision.timer);
    this.#revisions.delete(id);
    for (const instance of this.table.ofRevision(id)) this.#drain(instance, undefined);
  }

  retire(instanceId: string, reason: string): void {
    const instance = this.table.get(instanceId);
    if (instance === undefined) return;
    this.#drain(instance, reason);
    this.#reconcile(instance.revision);
  }

  /** Takes over a copy that runs already; its revision is held at this count until it is applied and scaled. */
  adopt(instance: AdoptedInstance, copy: Copy, times: DrainTimes): void {
    const revision = this.#revision(instance.revision);
    revision.desired += 1;
    this.table.set(instance);
    this.#hold(instance, copy, times);
  }

  /** Removes adopted revisions that nobody applied since. */
  dropUnclaimed(): void {
    for (const revision of this.#revisions.values()) if (revision.workload === undefined) this.remove(revision.id);
  }

  /** Drains and stops everything, all at once. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const id of this.#revisions.keys()) this.remove(id);
    const held = [...this.#held.values()];
    const timer = setTimeout(() => held.forEach(({ cutDrain }) => cutDrain?.()), closeDrainMs);
    await Promise.all(held.map(({ ended }) => ended));
    clearTimeout(timer);
  }

  #revision(id: RevisionId): Revision {
    const known = this.#revisions.get(id);
    if (known !== undefined) return known;
    const revision: Revision = { id, workload: undefined, desired: 0, backoff: noBackoff, timer: undefined };
    this.#revisions.set(id, revision);
    return revision;
  }

  #reconcile(id: RevisionId): void {
    const revision = this.#revisions.get(id);
    if (revision?.workload === undefined || this.#closed) return;
    clearTimeout(revision.timer);
    const nowMs = performance.now();
    const decision = decideReconcile({
      desired: revision.desired,
      instances: this.table.ofRevision(id),
      backoff: revision.backoff,
      startsAllowed: (this.#options.concurrentStarts ?? 16) - this.table.starting,
      nowMs,
    });
    for (const instanceId of decision.stops) {
      const instance = this.table.get(instanceId);
      if (instance !== undefined) this.#drain(instance, undefined);
    }
    for (let started = 0; started < decision.starts; started += 1) this.#start(revision.workload);
    if (decision.lookAgainAtMs === undefined) return;
    revision.timer = setTimeout(() => this.#reconcile(id), Math.ceil(decision.lookAgainAtMs - nowMs));
  }

  /** A start that ended makes room for those of others. */
  #reconcileAll(): void {
    for (const id of this.#revisions.keys()) this.#reconcile(id);
  }

  #start(workload: Workload): void {
    const id = createInstanceId(workload.revision);
    const instance: Instance = {
      id,
      revision: workload.revision,
      state: 'starting',
      concurrency: workload.settings.concurrency,
      startedAtMs: Date.now(),
      pooled: false,
      protections: unknownProtections,
    };
    this.table.set(instance);
    const startedAtMs = performance.now();
    const copy = this.#options.runner.run(workload, id);
    this.#hold(instance, copy, workload.settings);
    void copy.ready.then((ready) => this.#becameReady(id, ready, startedAtMs));
  }

  #hold(instance: Instance, copy: Copy, { graceMs, timeoutMs }: DrainTimes): void {
    const ended = copy.ended.then((ending) => this.#ended(instance.id, ending));
    const held: Held = { copy, drainMs: timeoutMs, graceMs, ended };
    this.#held.set(instance.id, held);
    void copy.exiting.then(({ blameless }) => this.#exiting(instance.id, blameless));
    if (instance.state === 'ready') this.#awaitStable(held, instance.revision);
  }

  #becameReady(id: string, ready: ReadyCopy, startedAtMs: number): void {
    const instance = this.table.get(id);
    const held = this.#held.get(id);
    if (instance?.state !== 'starting' || held === undefined || held.draining !== undefined) return;
    this.table.set({ ...instance, ...ready, state: 'ready' });
    const durationMs = performance.now() - startedAtMs;
    coldStart.publish({ revision: instance.revision, durationMs, pooled: ready.pooled });
    this.#awaitStable(held, instance.revision);
    this.#reconcileAll();
  }

  #awaitStable(held: Held, id: RevisionId): void {
    held.stableTimer = setTimeout(() => {
      const revision = this.#revisions.get(id);
      if (revision === undefined) return;
      revision.backoff = noBackoff;
      this.#reconcile(id);
    }, this.#options.stableAfterMs ?? stableAfterMs);
  }

  #drain(instance: Instance, reason: string | undefined): void {
    const held = this.#held.get(instance.id);
    if (held === undefined || held.draining !== undefined) return;
    held.draining = reason ?? '';
    this.table.set({ ...instance, state: 'draining', ...(reason === undefined ? {} : { reason }) });
    void this.#stopWhenIdle(instance, held);
  }

  async #stopWhenIdle(instance: Instance, held: Held): Promise<void> {
    const idle = instance.state === 'ready' ? this.#options.whenIdle?.(instance.id) : undefined;
    if (idle !== undefined) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, held.drainMs);
        held.cutDrain = resolve;
      });
      await Promise.race([idle.catch(() => undefined), late, held.ended]);
      clearTimeout(timer);
    }
    held.copy.stop(this.#closed ? Math.min(held.graceMs, closeGraceMs) : held.graceMs);
  }

  /** A ready copy that ended by itself gets no more calls from now on: somebody else may answer at its address. */
  #exiting(id: string, blameless: boolean): void {
    const instance = this.table.get(id);
    const held = this.#held.get(id);
    if (instance?.state !== 'ready' || held === undefined || held.draining !== undefined) return;
    held.failing = true;
    if (!blameless) this.#countFailure(instance.revision);
    this.table.set({ ...instance, state: 'draining', reason: 'it ended without being asked to' });
    this.#reconcile(instance.revision);
  }

  #ended(id: string, ending: CopyEnding): void {
    const instance = this.table.get(id);
    const held = this.#held.get(id);
    clearTimeout(held?.stableTimer);
    this.#held.delete(id);
    if (instance === undefined || held === undefined) return;
    if (held.draining === undefined) this.#failed(instance, ending, held.failing ?? false);
    else this.table.set({ ...instance, state: 'stopped', outcome: ending.outcome });
    this.#reconcileAll();
  }

  #failed(instance: Instance, ending: CopyEnding, isCounted: boolean): void {
    if (!ending.blameless && !isCounted) this.#countFailure(instance.revision);
    const reason = ending.reason ?? 'it ended without being asked to';
    this.table.set({ ...instance, state: 'failed', outcome: ending.outcome, reason });
  }

  #countFailure(id: RevisionId): void {
    const revision = this.#revisions.get(id);
    if (revision !== undefined) revision.backoff = backoffAfterFailure(revision.backoff, performance.now());
  }
}

/** `name-00003-k3j2h1g0`: readable, unique, at most 40 characters of `[a-z0-9-]`, so that it can name a cage too. */
function createInstanceId(revision: RevisionId): string {
  const { name, number } = parseRevisionId(revision);
  const tail = `-${String(number).padStart(5, '0')}-${randomInt(36 ** 6)
    .toString(36)
    .padStart(6, '0')}`;
  return name.slice(0, 40 - tail.length) + tail;
}
