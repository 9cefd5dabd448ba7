import { TinderboxError } from '../model/errors.ts';
import type { Instance } from '../model/instance.ts';
import type { RevisionId } from '../model/names.ts';
import type { FunctionSettings } from '../model/settings.ts';
import { summaryLine } from '../model/summary-line.ts';
import type { LoadSnapshot } from '../router/router.ts';
import type { BudgetShare } from './budget.ts';
import type { HostObservation, ScaleObservation } from './decide.ts';
import { createProgress } from './progress.ts';
import { createLoadWindow } from './window.ts';

/** An engine that was told a higher count has this long to show the instance; then its start slot is free again. */
const announcementMs = 1_000;

/** All the scaler remembers of one revision. */
export class ScaleTarget {
  readonly revision: RevisionId;
  readonly window = createLoadWindow();
  readonly progress = createProgress();
  settings: FunctionSettings;
  /** Instances granted to it. */
  desired = 0;
  /** What the engine was last told. */
  stated = 0;
  /** Count to hold until a first instance is ready. */
  floor: number;
  heldAtZero: boolean;
  /** Set when this revision can never start; callers get it as it is. */
  refusal: TinderboxError | undefined;
  /** In one line, why the last instance that never became ready failed; gone once one is ready. */
  startFailure: string | undefined;
  /** Callers waiting for a first ready instance, all on one promise. */
  wake: PromiseWithResolvers<void> | undefined;
  #touchedAtMs: number;
  #announcedUntilMs: number[] = [];
  readonly #live = new Map<string, 'starting' | 'ready'>();

  constructor(revision: RevisionId, settings: FunctionSettings, initial: number, nowMs: number) {
    this.revision = revision;
    this.settings = settings;
    this.floor = initial;
    this.heldAtZero = initial === 0;
    this.#touchedAtMs = nowMs;
  }

  get ready(): number {
    return this.#count('ready');
  }

  get starting(): number {
    return this.#count('starting');
  }

  /** Restarts the idle clock. */
  touch(nowMs: number): void {
    this.#touchedAtMs = Math.max(this.#touchedAtMs, nowMs);
  }

  /** Start slots it takes: instances on their way, and those the engine was told of but has not shown. */
  startSlots(nowMs: number): number {
    this.#announcedUntilMs = this.#announcedUntilMs.filter((untilMs) => untilMs > nowMs);
    return this.starting + this.#announcedUntilMs.length;
  }

  announce(count: number, nowMs: number): void {
    for (let i = 0; i < count; i += 1) this.#announcedUntilMs.push(nowMs + announcementMs);
  }

  forgetAnnouncements(): void {
    this.#announcedUntilMs = [];
  }

  /** Takes note of one instance's state; settles the waking callers when that decides their fate. */
  observe(instance: Instance, nowMs: number): void {
    if (!this.#live.has(instance.id)) this.#announcedUntilMs.shift();
    const before = this.#live.get(instance.id);
    if (instance.state === 'ready') this.#becameReady(instance, nowMs);
    else if (instance.state === 'starting') this.#live.set(instance.id, 'starting');
    else this.#live.delete(instance.id);
    if (instance.state === 'failed' && before !== 'ready') {
      this.#failedToStart(summaryLine(instance.reason ?? 'it did not start'));
    }
  }

  settleWake(error: TinderboxError | undefined): void {
    const { wake } = this;
    this.wake = undefined;
    if (error === undefined) wake?.resolve();
    else wake?.reject(error);
  }

  observation(load: LoadSnapshot | undefined, host: HostObservation, nowMs: number): ScaleObservation {
    return {
      averageLoad: this.window.averageLoad(nowMs),
      inFlight: load?.inFlight ?? 0,
      waiting: Math.max(load?.waiting ?? 0, this.wake === undefined ? 0 : 1),
      completedPerMs: this.progress.perMs(nowMs),
      host,
      concurrency: this.settings.concurrency,
      idleMs: this.#idleMs(load, nowMs),
      starting: this.starting > 0,
      floor: this.floor,
      heldAtZero: this.heldAtZero,
      highestRecent: this.window.highestRecommendation(nowMs),
    };
  }

  share(load: LoadSnapshot | undefined, nowMs: number): BudgetShare {
    const busy =
      (load?.inFlight ?? 0) + (load?.waiting ?? 0) > 0 || this.wake !== undefined || this.startSlots(nowMs) > 0;
    const { scaling, memoryBytes } = this.settings;
    return {
      revision: this.revision,
      count: this.desired,
      memoryBytes,
      least: this.floor > 0 ? this.desired : scaling.zero ? 0 : Math.max(1, scaling.min),
      idleMs: busy ? undefined : this.#idleMs(load, nowMs),
    };
  }

  #count(state: 'starting' | 'ready'): number {
    let count = 0;
    for (const each of this.#live.values()) if (each === state) count += 1;
    return count;
  }

  #idleMs(load: LoadSnapshot | undefined, nowMs: number): number {
    return nowMs - Math.max(load?.lastActiveMs ?? 0, this.#touchedAtMs);
  }

  #becameReady(instance: Instance, nowMs: number): void {
    if (this.#live.get(instance.id) !== 'ready') this.touch(nowMs);
    this.#live.set(instance.id, 'ready');
    this.floor = 0;
    this.startFailure = undefined;
    this.settleWake(undefined);
  }

  #failedToStart(reason: string): void {
    this.startFailure = reason;
    if (this.#live.size > 0) return;
    this.settleWake(cannotStart(this.revision, reason));
  }
}

/** What callers of a revision get whose instances do not start. */
export function cannotStart(revision: RevisionId, reason: string): TinderboxError {
  return new TinderboxError('cannot-start', `${revision} cannot start: ${reason}`, { retryAfterMs: 1_000 });
}
