import type { TinderboxError } from '../model/errors.ts';
import type { Instance } from '../model/instance.ts';
import type { RevisionId } from '../model/names.ts';
import type { ScalingSettings } from '../model/scaling.ts';
import type { ScalingDecision } from '../model/scaling-report.ts';
import type { FunctionSettings } from '../model/settings.ts';
import { summaryLine } from '../model/summary-line.ts';
import type { LoadSnapshot } from '../router/router.ts';
import type { BudgetShare } from './budget.ts';
import type { HostObservation, ScaleObservation } from './decide.ts';
import { LoadView } from './load-view.ts';
import type { MeterReader } from './meters.ts';
import { createProgress } from './progress.ts';
import { cannotStart } from './refusals.ts';
import { createScaleMemory } from './scale-memory.ts';
import { createTimedMinimum } from './timed-minimum.ts';
import { createLoadWindow } from './window.ts';

/** An engine that was told a higher count has this long to show the instance; then its start slot is free again. */
const announcementMs = 1_000;

/** Alertmanager repeats an alert that goes on, in OpenFaaS's configuration every 30 s. */
const alertMs = 10 * 60_000;

/** What ran before stays this long once the first of the new copies is ready, or for the window of the load if it is longer. */
const settlingMs = 30_000;

/** How a revision is scaled at a moment. */
export interface ScalingState {
  readonly scaling: ScalingSettings;
  readonly desired: number;
  readonly ready: number;
  readonly decision: ScalingDecision | undefined;
  readonly change: ScalingDecision | undefined;
  readonly meterFailure: string | undefined;
}

/** All the scaler remembers of one revision. */
export class ScaleTarget {
  readonly revision: RevisionId;
  readonly window;
  readonly load;
  readonly progress = createProgress();
  readonly memory = createScaleMemory();
  /** Of a metric the router does not count. */
  readonly meter: MeterReader | undefined;
  settings: FunctionSettings;
  /** The settings in force now; only their minimum changes with time. */
  scaling: ScalingSettings;
  /** Instances granted to it. */
  desired = 0;
  /** What the engine was last told. */
  stated = 0;
  /** Count to hold until a first instance is ready; one that is asked for as the initial scale, until it is reached. */
  floor: number;
  heldAtZero: boolean;
  /** In one line, why the last instance that never became ready failed; gone once one is ready. */
  startFailure: string | undefined;
  /** Callers waiting for a first ready instance, all on one promise. */
  wake: PromiseWithResolvers<void> | undefined;
  readonly #timed: (unixMs: number) => ScalingSettings;
  #touchedAtMs: number;
  #alert: { readonly count: number; readonly untilMs: number } | undefined;
  #announcedUntilMs: number[] = [];
  /** The count it was given at deploy or restart; one that is its initial scale is no measure of what it needs. */
  #before: { readonly count: number; readonly untilMs: number } | undefined;
  readonly #live = new Map<string, 'starting' | 'ready'>();

  constructor(revision: RevisionId, settings: FunctionSettings, initial: number, nowMs: number, meter?: MeterReader) {
    this.revision = revision;
    this.settings = settings;
    this.scaling = settings.scaling;
    this.#timed = createTimedMinimum(settings.scaling);
    this.meter = meter;
    this.window = createLoadWindow({ holdMs: settings.scaling.holdMs });
    this.load = new LoadView(settings.scaling, meter);
    this.floor = initial;
    this.heldAtZero = initial === 0;
    if (initial !== settings.scaling.initial) this.#before = { count: initial, untilMs: Number.POSITIVE_INFINITY };
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

  /** A count set by hand, 0 included, is stronger than what was asked for or ran before. */
  setByHand(count: number, nowMs: number): void {
    this.touch(nowMs);
    this.heldAtZero = count === 0;
    this.floor = Math.min(this.floor, count);
    this.#before = undefined;
    this.window.addRecommendation(nowMs, count);
  }

  /** An alert asks for a count until it is over; 0: it is over. One that nobody repeats ends by itself. */
  alert(count: number, nowMs: number): void {
    this.#alert = count === 0 ? undefined : { count, untilMs: nowMs + alertMs };
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

  /** What runs does so at this time of day. */
  setTime(unixMs: number): void {
    const before = this.scaling;
    this.scaling = this.#timed(unixMs);
    // A window that begins is stronger than a zero that was set by hand before it.
    if (this.scaling.min > before.min) this.heldAtZero = false;
  }

  /** Takes note of the load at a tick. */
  note(load: LoadSnapshot | undefined, nowMs: number): void {
    const calls = (load?.inFlight ?? 0) + (load?.waiting ?? 0);
    this.progress.note(nowMs, load?.completed ?? 0);
    this.window.addLoad(nowMs, calls);
    this.load.note(nowMs, calls, load?.completed ?? 0);
  }

  observation(load: LoadSnapshot | undefined, host: HostObservation, nowMs: number): ScaleObservation {
    return {
      nowMs,
      load: this.settings.scaling.sparing ? (this.window.averageLoad(nowMs) ?? 0) : this.load.load(nowMs),
      panicLoad: this.load.panicLoad(nowMs),
      panic: this.memory.panic,
      inFlight: load?.inFlight ?? 0,
      waiting: Math.max(load?.waiting ?? 0, this.wake === undefined ? 0 : 1),
      completedPerMs: this.progress.perMs(nowMs),
      host,
      concurrency: this.settings.concurrency,
      ready: this.ready,
      idleMs: this.#idleMs(load, nowMs),
      starting: this.starting > 0,
      floor: this.floor,
      alerted: this.#alertedCount(nowMs),
      heldAtZero: this.heldAtZero,
      highestRecent: this.window.highestRecommendation(nowMs),
      before: this.#countBefore(nowMs),
    };
  }

  share(load: LoadSnapshot | undefined, nowMs: number): BudgetShare {
    const busy =
      (load?.inFlight ?? 0) + (load?.waiting ?? 0) > 0 || this.wake !== undefined || this.startSlots(nowMs) > 0;
    const { memoryBytes } = this.settings;
    const { zero, min } = this.scaling;
    return {
      revision: this.revision,
      count: this.desired,
      memoryBytes,
      least: this.floor > 0 ? this.desired : zero ? 0 : Math.max(1, min),
      idleMs: busy ? undefined : this.#idleMs(load, nowMs),
    };
  }

  /** How it is scaled, for people. */
  state(): ScalingState {
    return {
      scaling: this.scaling,
      desired: this.desired,
      ready: this.ready,
      decision: this.memory.last(),
      change: this.memory.lastChange(),
      meterFailure: this.meter?.failure,
    };
  }

  #alertedCount(nowMs: number): number {
    if (this.#alert !== undefined && this.#alert.untilMs <= nowMs) this.#alert = undefined;
    return this.#alert?.count ?? 0;
  }

  #countBefore(nowMs: number): number {
    if (this.#before !== undefined && this.#before.untilMs <= nowMs) this.#before = undefined;
    return this.#before?.count ?? 0;
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
    const { initial, loadWindowMs } = this.settings.scaling;
    if (this.#before?.untilMs === Number.POSITIVE_INFINITY) {
      this.#before = { ...this.#before, untilMs: nowMs + Math.max(settlingMs, loadWindowMs) };
    }
    if (initial === undefined || this.ready >= Math.min(this.floor, this.desired)) this.floor = 0;
    this.startFailure = undefined;
    this.settleWake(undefined);
  }

  #failedToStart(reason: string): void {
    this.startFailure = reason;
    if (this.#live.size > 0) return;
    this.settleWake(cannotStart(this.revision, reason));
  }
}
