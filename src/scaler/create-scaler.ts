/**
 * Keeps the number of instances of every revision right. It owns the counts and is the only caller of `engine.scale`.
 * It does not know why a revision exists (control does), where calls go (the router does), or how an instance is
 * started (the engine does).
 *
 * 1. The engine is told a higher count only while a start slot is free; a lower one at once.
 * 2. The counts granted to all revisions never exceed the host budget.
 * 3. A revision with calls in flight or waiting, or on its way up, is never cut for another one.
 * 4. All callers that wait for a revision to wake share one promise, settled by the first instance that becomes ready
 *    or by the failure of the last one that was starting.
 * 5. Others are cut for a revision that somebody calls, or that could start now; a deploy that is only to be proven
 *    waits for a start slot on a full host, and calls go first.
 * 6. A count asked for at deploy or after a restart holds until a first instance was ready, whatever the load, then for
 *    the hold window, like any other, and until the load can be known: while a revision is proven it has none.
 */
import type { InstanceChange } from '../engine/engine.ts';
import { TinderboxError } from '../model/errors.ts';
import type { RevisionId } from '../model/names.ts';
import { type ScalingDefaults, withDefaults } from '../model/scaling.ts';
import type { FunctionSettings } from '../model/settings.ts';
import { notice, scaleStated } from '../observe/channels.ts';
import type { LoadSnapshot } from '../router/router.ts';
import { Admission } from './admission.ts';
import { clampManualCount, decideCount, type HostObservation } from './decide.ts';
import { createHostView } from './host-view.ts';
import { createMeterReader, type Meters } from './meters.ts';
import { cannotStart, hostFull } from './refusals.ts';
import { ScaleTarget, type ScalingState } from './scale-target.ts';
import type { Scaler, ScalerOptions } from './scaler.ts';
import { createStartQueue, type StartQueue } from './start-queue.ts';

/** Shortest time between two looks because calls wait; the calls in between are seen by the next one. */
const pokeIntervalMs = 20;
/** How often the load is asked whether calls wait beside ready instances, for which nobody wakes anything. */
const pulseMs = 100;

const noMeters: Meters = { cpu: noMeter, queue: noMeter, custom: noMeter };

async function noMeter(): Promise<never> {
  throw new TinderboxError('unsupported', 'there is no meter for it here');
}

export function createScaler(options: ScalerOptions): Scaler {
  return new EngineScaler(options);
}

class EngineScaler implements Scaler {
  readonly #engine: ScalerOptions['engine'];
  readonly #load: ScalerOptions['load'];
  readonly #admission: Admission;
  readonly #host: (nowMs: number) => HostObservation;
  readonly #now: () => number;
  readonly #unixNow: () => number;
  readonly #meters: Meters;
  readonly #defaults: ScalingDefaults;
  readonly #targets = new Map<RevisionId, ScaleTarget>();
  readonly #counts = new Map<RevisionId, number>();
  readonly #refused = new Map<RevisionId, TinderboxError>();
  readonly #expected = new Map<RevisionId, PromiseWithResolvers<void>>();
  readonly #starts: StartQueue;
  /** Deploys to be proven that found the host full, in order. */
  readonly #crowdedOut = new Set<ScaleTarget>();
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #unwatch: () => void;
  readonly #poked = new Set<ScaleTarget>();
  #pokeTimer: NodeJS.Timeout | undefined;
  #pokedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ScalerOptions) {
    this.#engine = options.engine;
    this.#load = options.load;
    this.#admission = new Admission(this.#targets, options.budget, options.load);
    this.#host = options.host ?? createHostView();
    this.#now = options.now ?? (() => performance.now());
    this.#unixNow = options.unixNow ?? Date.now;
    this.#meters = options.meters ?? noMeters;
    this.#defaults = options.defaults ?? {};
    this.#starts = createStartQueue(options.budget.concurrentStarts, (target, count) => this.#state(target, count));
    this.#unwatch = options.engine.watch((change) => this.#instanceChanged(change));
    this.#timers = [
      setInterval(() => this.#tick(), options.intervalMs ?? 2_000),
      setInterval(() => this.#pulse(), pulseMs),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  async track(revision: RevisionId, own: FunctionSettings, initial: number): Promise<void> {
    this.#refused.delete(revision);
    const settings = { ...own, scaling: withDefaults(own.scaling, this.#defaults) };
    const known = this.#targets.get(revision);
    if (known !== undefined) {
      known.settings = settings;
      return;
    }
    const nowMs = this.#now();
    const meter = createMeterReader(revision, settings.scaling, this.#meters);
    const target = new ScaleTarget(revision, settings, initial, nowMs, meter);
    target.setTime(this.#unixNow());
    target.window.addRecommendation(nowMs, initial);
    this.#targets.set(revision, target);
    for (const instance of this.#engine.instances()) {
      if (instance.revision === revision) target.observe(instance, nowMs);
    }
    const adopted = target.ready + target.starting;
    this.#grantTo(target, adopted);
    if (adopted > 0) this.#state(target, adopted);
    const exhausted = this.#want(target, initial);
    this.#settleExpected(revision);
    if (initial > 0 && target.desired === 0) throw hostFull(revision, exhausted);
  }

  expect(revision: RevisionId): void {
    if (this.#targets.has(revision) || this.#expected.has(revision)) return;
    this.#expected.set(revision, Promise.withResolvers());
  }

  untrack(revision: RevisionId): void {
    this.#refused.delete(revision);
    this.#forget(revision);
  }

  refuse(revision: RevisionId, error: TinderboxError): void {
    this.#refused.set(revision, error);
    this.#forget(revision);
  }

  obstacle(revision: RevisionId): string | undefined {
    const target = this.#targets.get(revision);
    if (target === undefined) return this.#refused.get(revision)?.message;
    // One that sleeps is tried again by its next call, and one that runs does so although another copy did not start.
    return target.ready === 0 && target.desired > 0 ? target.startFailure : undefined;
  }

  wake(revision: RevisionId): Promise<void> {
    const target = this.#targets.get(revision);
    const expected = this.#expected.get(revision);
    if (target === undefined && expected !== undefined) return expected.promise.then(() => this.wake(revision));
    if (target === undefined) {
      return Promise.reject(this.#refused.get(revision) ?? cannotStart(revision, 'it is not deployed'));
    }
    target.heldAtZero = false;
    if (target.ready > 0) {
      this.#poke(target);
      return Promise.resolve();
    }
    if (target.wake !== undefined) return target.wake.promise;
    if (target.startFailure !== undefined && target.stated > 0 && target.startSlots(this.#now()) === 0) {
      return Promise.reject(cannotStart(revision, target.startFailure));
    }
    return this.#wakeUp(target);
  }

  async setReplicas(revision: RevisionId, count: number): Promise<number> {
    const target = this.#targets.get(revision);
    if (target === undefined) throw new TinderboxError('not-found', `${revision} is not running here`);
    const wanted = clampManualCount(count, target.scaling);
    const nowMs = this.#now();
    target.setByHand(wanted, nowMs);
    const exhausted = this.#want(target, wanted, true);
    if (wanted > 0 && target.desired === 0) throw hostFull(revision, exhausted);
    return target.desired;
  }

  alert(revision: RevisionId, count: number): void {
    this.#targets.get(revision)?.alert(count, this.#now());
  }

  explain(revision: RevisionId): ScalingState | undefined {
    return this.#targets.get(revision)?.state();
  }

  counts(): ReadonlyMap<RevisionId, number> {
    return this.#counts;
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#pokeTimer);
    this.#unwatch();
    for (const target of this.#targets.values()) {
      target.settleWake(new TinderboxError('unavailable', 'the platform is stopping'));
    }
    this.#targets.clear();
    for (const revision of this.#expected.keys()) this.#settleExpected(revision);
  }

  #forget(revision: RevisionId): void {
    const target = this.#targets.get(revision);
    if (target === undefined) return this.#settleExpected(revision);
    this.#targets.delete(revision);
    this.#counts.delete(revision);
    this.#starts.remove(target);
    this.#poked.delete(target);
    this.#crowdedOut.delete(target);
    target.settleWake(this.#refused.get(revision) ?? cannotStart(revision, 'it was removed'));
    this.#starts.pump(this.#now());
  }

  #settleExpected(revision: RevisionId): void {
    this.#expected.get(revision)?.resolve();
    this.#expected.delete(revision);
  }

  #wakeUp(target: ScaleTarget): Promise<void> {
    const wake = Promise.withResolvers<void>();
    target.wake = wake;
    const { desired, scaling } = target;
    const exhausted = this.#want(target, clampManualCount(Math.max(desired, 1, scaling.activation), scaling));
    if (target.desired === 0) target.settleWake(hostFull(target.revision, exhausted));
    return wake.promise;
  }

  #tick(): void {
    const nowMs = this.#now();
    const unixMs = this.#unixNow();
    const loads = this.#loads();
    this.#host(nowMs);
    for (const target of this.#targets.values()) {
      const load = loads.get(target.revision);
      target.setTime(unixMs);
      if (target.desired + target.stated + target.floor === 0 && (load?.waiting ?? 0) + (load?.inFlight ?? 0) === 0) {
        if (target.scaling.zero || target.heldAtZero) continue;
      }
      this.#giveUpWaking(target, nowMs);
      target.note(load, nowMs);
      target.meter?.refresh(nowMs, this.#now);
      this.#evaluate(target, load, nowMs);
    }
    this.#starts.pump(nowMs);
  }

  /** The engine backs off: whoever waits for a revision that failed to start before gets that reason and comes back. */
  #giveUpWaking(target: ScaleTarget, nowMs: number): void {
    if (target.wake === undefined || target.startFailure === undefined) return;
    if (target.stated < target.desired || target.startSlots(nowMs) > 0) return;
    target.settleWake(cannotStart(target.revision, target.startFailure));
  }

  #evaluate(target: ScaleTarget, load: LoadSnapshot | undefined, nowMs: number): void {
    const { scaling, desired } = target;
    const seen = target.observation(load, this.#host(nowMs), nowMs);
    const decision = decideCount(seen, scaling, desired);
    const isNews = target.memory.note({ atMs: this.#unixNow(), from: desired, seen, scaling, decision });
    if (scaling.dryRun) return this.#onlyShow(target, decision.count, isNews);
    target.window.addRecommendation(nowMs, decision.recommended);
    if (decision.count !== desired || desired !== target.stated) this.#want(target, decision.count);
  }

  /** A dry run: what is granted already is still stated to the engine. */
  #onlyShow(target: ScaleTarget, count: number, isNews: boolean): void {
    if (target.desired !== target.stated || target.desired < target.floor)
      this.#want(target, Math.max(target.desired, target.floor));
    if (!isNews) return;
    const reason = target.memory.last()?.reason ?? '';
    const message = `${target.revision}: dry run, ${target.desired} would become ${count}: ${reason}`;
    notice.publish({ level: 'info', part: 'scaler', message });
  }

  #pulse(): void {
    const nowMs = this.#now();
    let busy = false;
    for (const { revision, inFlight, waiting, completed } of this.#load()) {
      const target = this.#targets.get(revision);
      // Also between two calls: a second's mean is that of all of it, not of the moments with a call.
      if (target !== undefined && target.desired > 0) target.load.note(nowMs, inFlight + waiting, completed);
      if (inFlight + waiting === 0) continue;
      busy = true;
      target?.progress.note(nowMs, completed);
      if (target !== undefined && waiting > 0 && target.ready > 0) this.#poke(target);
    }
    // Looked at while calls run, the host's idle share is that of the load, not of the time before it.
    if (busy) this.#host(nowMs);
  }

  /** Calls wait beyond what the ready instances take: looks at once, at most every {@link pokeIntervalMs}. */
  #poke(target: ScaleTarget): void {
    this.#poked.add(target);
    if (this.#pokeTimer !== undefined) return;
    const waitMs = Math.max(0, this.#pokedAtMs + pokeIntervalMs - this.#now());
    this.#pokeTimer = setTimeout(() => this.#evaluatePoked(), waitMs);
    this.#pokeTimer.unref();
  }

  #evaluatePoked(): void {
    this.#pokeTimer = undefined;
    this.#pokedAtMs = this.#now();
    const loads = this.#loads();
    for (const target of this.#poked) this.#evaluate(target, loads.get(target.revision), this.#pokedAtMs);
    this.#poked.clear();
  }

  /**
   * Grants what the budget allows and states it, the cuts of others first. Returns what ran out, if anything did.
   * `awaited`: somebody waits for it.
   */
  #want(target: ScaleTarget, wanted: number, awaited = target.wake !== undefined): string | undefined {
    const nowMs = this.#now();
    const mayCut = awaited || this.#starts.free(nowMs) > 0;
    const grant = wanted > target.desired ? this.#admission.grant(target, wanted, mayCut, nowMs) : undefined;
    if (grant?.granted === 0 && target.floor > 0) this.#crowdedOut.add(target);
    for (const cut of grant?.cuts ?? []) this.#cut(cut.revision, cut.count);
    this.#grantTo(target, grant?.granted ?? wanted);
    if (target.desired < target.stated) this.#state(target, target.desired);
    if (target.desired > target.stated) this.#starts.add(target);
    this.#starts.pump(nowMs);
    return grant?.exhausted;
  }

  #grantTo(target: ScaleTarget, count: number): void {
    target.desired = count;
    this.#counts.set(target.revision, count);
  }

  #cut(revision: RevisionId, count: number): void {
    const victim = this.#targets.get(revision);
    if (victim === undefined) return;
    this.#grantTo(victim, count);
    if (count < victim.stated) this.#state(victim, count);
  }

  #state(target: ScaleTarget, count: number): void {
    target.stated = count;
    const stated = this.#engine.scale(target.revision, count);
    stated
      .then(() => scaleStated.publish({ revision: target.revision, ok: true }))
      .catch((reason: unknown) => {
        scaleStated.publish({ revision: target.revision, ok: false });
        const error = TinderboxError.from(reason);
        // What the engine refused is not in force: the next tick states it again.
        if (target.stated === count) target.stated = Math.min(count, target.ready + target.starting);
        target.forgetAnnouncements();
        target.settleWake(cannotStart(target.revision, error.message));
        notice.publish({ level: 'warn', part: 'scaler', message: `${target.revision}: ${error.message}` });
      });
  }

  #instanceChanged({ instance }: InstanceChange): void {
    const target = this.#targets.get(instance.revision);
    if (target === undefined) return;
    const nowMs = this.#now();
    target.observe(instance, nowMs);
    this.#admission.changed();
    this.#starts.pump(nowMs);
    this.#admitCrowdedOut(nowMs);
  }

  /** Start slots that nobody waits for go to those that found no room, until one finds none again. */
  #admitCrowdedOut(nowMs: number): void {
    while (this.#crowdedOut.size > 0 && this.#starts.free(nowMs) > 0) {
      const [target] = this.#crowdedOut;
      if (target === undefined) return;
      this.#crowdedOut.delete(target);
      if (target.desired > 0) continue;
      this.#want(target, target.floor);
      if (target.desired === 0) return;
    }
  }

  #loads(): Map<RevisionId, LoadSnapshot> {
    return new Map(this.#load().map((load) => [load.revision, load]));
  }
}
