import type { Instance, InstanceState } from '../../src/model/instance.ts';
import type { RevisionId } from '../../src/model/names.ts';
import type { LoadSnapshot } from '../../src/router/router.ts';
import { decideCount } from '../../src/scaler/decide.ts';
import { adaptScaling, createIdleHistogram, type IdleHistogram } from './idle-histogram.ts';
import { ScaleTarget } from '../../src/scaler/scale-target.ts';
import { createTimeline, type Timeline } from './timeline.ts';
import type { Policy } from './policies.ts';
import type { FunctionTrace } from './traces.ts';

/** What a policy made of one function's calls. */
export interface FunctionOutcome {
  readonly calls: number;
  /** Calls that came when nothing was ready. */
  readonly cold: number;
  /** Of each call until it had a slot. */
  readonly waitsMs: readonly number[];
  readonly instanceMs: number;
  readonly mostInstances: number;
}

interface SimulatedInstance {
  readonly instance: Instance;
  busy: number;
  state: InstanceState;
}

const revision: RevisionId = 'ns/f-00001';
const host = { cores: 8, idleShare: 1 };
const tickMs = 2_000;
const pokeMs = 20;

/** Runs the platform's own decisions over a trace, with instances and a clock that are only numbers. */
export function simulateFunction(
  trace: FunctionTrace,
  policy: Policy,
  { startMs, lengthMs }: { readonly startMs: number; readonly lengthMs: number },
): FunctionOutcome {
  return new Simulation(trace, policy, startMs).run(lengthMs);
}

class Simulation {
  readonly #trace: FunctionTrace;
  readonly #policy: Policy;
  readonly #startMs: number;
  readonly #target: ScaleTarget;
  readonly #histogram: IdleHistogram;
  readonly #events: Timeline = createTimeline();
  readonly #instances = new Set<SimulatedInstance>();
  readonly #queue: number[] = [];
  readonly #waitsMs: number[] = [];
  #nowMs = 0;
  #instanceMs = 0;
  #mostInstances = 0;
  #started = 0;
  #cold = 0;
  #inFlight = 0;
  #completed = 0;
  #lastActiveMs = 0;
  #ticking = false;
  #poked = false;

  constructor(trace: FunctionTrace, policy: Policy, startMs: number) {
    this.#trace = trace;
    this.#policy = policy;
    this.#startMs = startMs;
    this.#target = new ScaleTarget(revision, policy.settings, 0, 0);
    this.#histogram = createIdleHistogram(policy.settings.scaling.zeroAfterMs);
  }

  run(lengthMs: number): FunctionOutcome {
    if (this.#trace.arrivals.length > 0) this.#arriveAt(0);
    for (let next = this.#events.next(); next !== undefined; next = this.#events.next()) {
      if (next.atMs >= lengthMs) break;
      this.#pass(next.atMs);
      next.act();
    }
    this.#pass(lengthMs);
    // Calls that wait at the end have waited until then.
    for (const index of this.#queue) this.#waitsMs.push(lengthMs - (this.#trace.arrivals[index] ?? 0));
    return {
      calls: this.#waitsMs.length,
      cold: this.#cold,
      waitsMs: this.#waitsMs,
      instanceMs: this.#instanceMs,
      mostInstances: this.#mostInstances,
    };
  }

  #pass(atMs: number): void {
    this.#instanceMs += (atMs - this.#nowMs) * this.#instances.size;
    this.#nowMs = atMs;
  }

  #arriveAt(index: number): void {
    this.#events.add(this.#trace.arrivals[index] ?? 0, () => {
      if (index + 1 < this.#trace.arrivals.length) this.#arriveAt(index + 1);
      this.#arrive(index);
    });
  }

  #arrive(index: number): void {
    const idle = this.#inFlight + this.#queue.length === 0;
    if (idle && index > 0) this.#histogram.note(this.#nowMs - this.#lastActiveMs);
    this.#lastActiveMs = this.#nowMs;
    this.#target.heldAtZero = false;
    this.#queue.push(index);
    if (this.#target.ready === 0) this.#cold += 1;
    this.#dispatch();
    this.#note();
    if (this.#queue.length > 0) this.#wake();
    this.#tickSoon();
  }

  /** As the scaler: nothing there starts one at once; calls that wait beside ready ones make it look again. */
  #wake(): void {
    if (this.#target.ready > 0) return this.#poke();
    if (this.#target.desired === 0) this.#want(Math.max(1, this.#target.scaling.min));
  }

  #poke(): void {
    if (this.#poked) return;
    this.#poked = true;
    this.#events.add(this.#nowMs + pokeMs, () => {
      this.#poked = false;
      this.#evaluate();
    });
  }

  #dispatch(): void {
    const { concurrency } = this.#policy.settings;
    for (const each of this.#instances) {
      while (each.state === 'ready' && each.busy < concurrency) {
        const index = this.#queue.shift();
        if (index === undefined) return;
        this.#waitsMs.push(this.#nowMs - (this.#trace.arrivals[index] ?? 0));
        each.busy += 1;
        this.#inFlight += 1;
        this.#events.add(this.#nowMs + (this.#trace.durations[index] ?? 0), () => this.#complete(each));
      }
    }
  }

  #complete(each: SimulatedInstance): void {
    each.busy -= 1;
    this.#inFlight -= 1;
    this.#completed += 1;
    this.#lastActiveMs = this.#nowMs;
    if (each.state === 'draining' && each.busy === 0) this.#instances.delete(each);
    this.#dispatch();
    this.#note();
  }

  #note(): void {
    this.#target.load.note(this.#nowMs, this.#inFlight + this.#queue.length, this.#completed);
    this.#target.progress.note(this.#nowMs, this.#completed);
  }

  #tickSoon(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#events.add((Math.floor(this.#nowMs / tickMs) + 1) * tickMs, () => {
      this.#ticking = false;
      this.#tick();
    });
  }

  #tick(): void {
    this.#target.note(this.#load(), this.#nowMs);
    this.#evaluate();
    if (this.#inFlight + this.#queue.length > 0 || this.#isRecent()) return this.#tickSoon();
    this.#tickWhenItMatters();
  }

  /** Within the windows of the load the next tick may decide otherwise. */
  #isRecent(): boolean {
    const { loadWindowMs, holdMs } = this.#target.scaling;
    return this.#nowMs - this.#lastActiveMs <= 2 * loadWindowMs + holdMs + tickMs;
  }

  /** Nothing happens until a call or a deadline; the ticks in between would all say the same. */
  #tickWhenItMatters(): void {
    const { zeroAfterMs } = this.#policy.settings.scaling;
    const { prewarmAfterMs, keepAliveMs } = this.#histogram.plan();
    const sinceMs = this.#nowMs - this.#lastActiveMs;
    const deadlines = this.#policy.adaptive ? [prewarmAfterMs, prewarmAfterMs + keepAliveMs] : [zeroAfterMs];
    const next = deadlines.filter((deadline) => deadline > sinceMs).at(0);
    const overdue = this.#target.desired > 0 && next === undefined;
    if (next === undefined && !overdue) return;
    const atMs = overdue ? this.#nowMs + tickMs : this.#lastActiveMs + (next ?? 0);
    this.#ticking = true;
    this.#events.add(Math.ceil(atMs / tickMs) * tickMs, () => {
      this.#ticking = false;
      this.#tick();
    });
  }

  #evaluate(): void {
    const target = this.#target;
    if (this.#policy.adaptive) {
      const sinceMs = this.#nowMs - this.#lastActiveMs;
      target.scaling = adaptScaling(this.#policy.settings.scaling, this.#histogram.plan(), sinceMs);
    }
    const seen = target.observation(this.#load(), host, this.#nowMs);
    const { scaling, desired } = target;
    const decision = decideCount(seen, scaling, desired);
    target.memory.note({ atMs: this.#nowMs, from: desired, seen, scaling, decision });
    target.window.addRecommendation(this.#nowMs, decision.recommended);
    if (decision.count !== desired) this.#want(decision.count);
  }

  #want(count: number): void {
    this.#target.desired = count;
    const live = [...this.#instances].filter(({ state }) => state !== 'draining');
    for (let more = live.length; more < count; more += 1) this.#start();
    const spare = live.toSorted((a, b) => a.busy - b.busy).slice(0, Math.max(0, live.length - count));
    for (const each of spare) this.#stop(each);
    this.#mostInstances = Math.max(this.#mostInstances, this.#instances.size);
  }

  #start(): void {
    this.#started += 1;
    const instance = { id: `i${this.#started}`, revision } as Instance;
    const each: SimulatedInstance = { instance, busy: 0, state: 'starting' };
    this.#instances.add(each);
    this.#change(each, 'starting');
    this.#events.add(this.#nowMs + this.#startMs, () => {
      if (each.state !== 'starting') return;
      this.#change(each, 'ready');
      this.#dispatch();
      if (this.#queue.length > 0) this.#poke();
      this.#tickSoon();
    });
  }

  #stop(each: SimulatedInstance): void {
    this.#change(each, 'draining');
    if (each.busy === 0) this.#instances.delete(each);
  }

  #change(each: SimulatedInstance, state: InstanceState): void {
    each.state = state;
    this.#target.observe({ ...each.instance, state }, this.#nowMs);
  }

  #load(): LoadSnapshot {
    return {
      revision,
      inFlight: this.#inFlight,
      waiting: this.#queue.length,
      ready: this.#target.ready,
      starting: this.#target.starting,
      completed: this.#completed,
      lastActiveMs: this.#lastActiveMs,
      peak: 0,
    };
  }
}
