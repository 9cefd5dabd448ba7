/**
 * The instances of one revision, their slots, and the calls that wait for one.
 *
 * Owns: members and their transports, slot counts, the waiting queue, wake-ups and their back-off. Does not own calls
 * once they have a slot (invoke.ts), nor how many instances there should be (scaler, engine).
 * 1. A member never has more calls than its capacity; a slot is given back exactly once.
 * 2. Calls wait first in, first out; a call passes the queue only when nobody waits, or to use its one retry.
 * 3. Only a `ready` member gets calls. A draining one keeps its transport until its last call ended.
 * 4. Whoever waits holds room in the host's budget, and gives it back on leaving the queue, however it leaves.
 * 5. Nobody waits for nothing: with calls waiting there is a member, a wake-up under way, or all of them are refused.
 */
import type { Invocation } from '../model/invocation.ts';
import type { Instance } from '../model/instance.ts';
import { TinderboxError } from '../model/errors.ts';
import type { RevisionId } from '../model/names.ts';
import type { FunctionSettings } from '../model/settings.ts';
import { summaryLine } from '../model/summary-line.ts';
import { Breaker } from './breaker.ts';
import type { HostBudget } from './host-budget.ts';
import { Member } from './member.ts';
import type { ChooseInstance } from './policy.ts';
import type { LoadSnapshot, RouterHooks } from './router.ts';
import type { TimerWheel } from './timer-wheel.ts';
import type { Transport } from './transport/transport.ts';
import { type Place, WaitQueue } from './wait-queue.ts';
import { Waker } from './wake.ts';

/** A call that waits for a slot. */
export interface Waiter {
  readonly call: Invocation;
  /** Its turn: the slot is already counted. */
  admit(member: Member): void;
  /** There will be no turn. */
  refuse(error: TinderboxError): void;
  /** Its function's traffic moved: wait there instead. */
  enqueue(pool: Pool): void;
}

/** What all pools of a router share. */
export interface PoolContext {
  readonly hooks: RouterHooks;
  readonly budget: HostBudget;
  readonly wheel: TimerWheel;
  readonly choose: ChooseInstance;
  readonly now: () => number;
  readonly createTransport: CreateTransport;
  /** An instance has no call left and gets no other. */
  readonly dropped: (instanceId: string) => void;
}

/** Makes the way to a ready instance; `onViolation` when the instance broke the protocol. */
export type CreateTransport = (
  instance: Instance,
  settings: FunctionSettings,
  onViolation: (reason: string) => void,
) => Transport;

/** How long a member rests after nothing could be sent to it. */
const suspectRestMs = 250;
const queueRetryAfterMs = 1000;

export class Pool {
  readonly revision: RevisionId;
  settings: FunctionSettings;
  /** Whether a route leads here. Without one the pool ends with its last instance. */
  routed = false;
  readonly #context: PoolContext;
  readonly #members: Member[] = [];
  readonly #waiting = new WaitQueue<Waiter>();
  readonly #breaker = new Breaker();
  readonly #waker: Waker;
  #inFlight = 0;
  #completed = 0;
  #peak = 0;
  #lastActiveMs: number;

  constructor(revision: RevisionId, settings: FunctionSettings, context: PoolContext) {
    this.revision = revision;
    this.settings = settings;
    this.#context = context;
    this.#lastActiveMs = context.now();
    this.#waker = new Waker(revision, (id) => context.hooks.wake(id), {
      // Only a start that failed meanwhile is judged here: a new instance has yet to be announced by the engine.
      woken: () => {
        if (this.#breaker.refusal(context.now()) !== undefined) this.#ensureHope();
      },
      failed: (error) => {
        if (error.code !== 'host-full') this.#breaker.failed(error.message, context.now());
        if (!this.#hasHope()) this.refuseAll(error);
      },
    });
  }

  /** Nothing leads here, runs, waits or exists here: the pool may be forgotten. */
  get over(): boolean {
    return !this.routed && this.#members.length === 0 && this.#inFlight === 0 && this.#waiting.length === 0;
  }

  /** Calls with a slot, and calls that wait for one. */
  get load(): number {
    return this.#inFlight + this.#waiting.length;
  }

  /** Whether a call would have to wait for an instance to start. */
  get cold(): boolean {
    return !this.#members.some((member) => member.state === 'ready' || member.state === 'suspect');
  }

  /** A slot at once, or undefined: then the call has to wait. */
  reserve(nowMs: number): Member | undefined {
    this.#lastActiveMs = nowMs;
    if (this.#waiting.length > 0) return undefined;
    const member = this.#context.choose(this.#members);
    if (member !== undefined) this.#take(member);
    return member;
  }

  /** Queues a call. Throws `queue-full`, `host-full`, or `cannot-start` while starts back off. */
  wait(waiter: Waiter): Place<Waiter> {
    if (!this.#hasHope()) {
      const refusal = this.#breaker.refusal(this.#context.now());
      if (refusal !== undefined) throw refusal;
    }
    if (this.#waiting.length >= this.settings.queueDepth) throw this.#queueFull();
    this.#context.budget.take(heldBytes(waiter));
    const place = this.#waiting.push(waiter);
    this.#notePeak();
    this.#pump();
    this.#ensureHope();
    return place;
  }

  /** Queues a call that had its turn already, here or in a pool the traffic left, before all others. Throws `host-full`. */
  waitAgain(waiter: Waiter): Place<Waiter> {
    this.#context.budget.take(heldBytes(waiter));
    const place = this.#waiting.pushFront(waiter);
    this.#pump();
    this.#ensureHope();
    return place;
  }

  /** Takes a waiting call out of the queue. */
  leave(place: Place<Waiter>): void {
    if (this.#waiting.remove(place)) this.#context.budget.give(heldBytes(place.value));
  }

  /** Gives a slot back. */
  release(member: Member): void {
    member.inFlight -= 1;
    this.#inFlight -= 1;
    this.#completed += 1;
    if (member.state === 'draining' && member.inFlight === 0) this.#drop(member);
    if (this.#waiting.length > 0) this.#pump();
  }

  /** Gives back the slot of a call that the member could not be given; it rests for a moment. */
  giveBack(member: Member): void {
    if (member.state === 'ready') {
      member.state = 'suspect';
      this.#context.wheel.add(member, this.#context.now() + suspectRestMs);
    }
    this.release(member);
  }

  /** Whether calls may still run in this instance. */
  has(instanceId: string): boolean {
    return this.#members.some((member) => member.id === instanceId);
  }

  /** The member answered. */
  served(member: Member): void {
    if (member.served) return;
    member.served = true;
    this.#breaker.succeeded();
  }

  /** Stops giving it calls and asks the engine for another. */
  retire(member: Member, reason: string): void {
    if (member.state === 'draining' || member.state === 'gone') return;
    this.#drain(member);
    this.#context.hooks.retire(member.id, reason);
    this.#ensureHope();
  }

  /** Brings a member to the state the engine reports. */
  instanceChanged(instance: Instance): void {
    const known = this.#members.find((member) => member.id === instance.id);
    switch (instance.state) {
      case 'starting':
        this.#add(known, instance);
        return;
      case 'ready':
        this.#ready(this.#add(known, instance), instance);
        return;
      case 'draining':
        if (known !== undefined) this.#drain(known);
        break;
      case 'stopped':
      case 'failed':
        this.#ended(known, instance);
        break;
    }
    this.#ensureHope();
  }

  /** Refuses every waiting call. */
  refuseAll(error: TinderboxError): void {
    for (const waiter of this.#drainWaiting()) waiter.refuse(error);
  }

  /** Sends every waiting call to the queue of another pool. */
  moveWaiting(pool: Pool): void {
    for (const waiter of this.#drainWaiting()) waiter.enqueue(pool);
  }

  snapshot(): LoadSnapshot {
    const peak = Math.max(this.#peak, this.load);
    this.#peak = this.load;
    let [ready, starting] = [0, 0];
    for (const { state } of this.#members) {
      if (state === 'starting') starting += 1;
      else if (state === 'ready' || state === 'suspect') ready += 1;
    }
    return {
      revision: this.revision,
      inFlight: this.#inFlight,
      waiting: this.#waiting.length,
      ready,
      starting,
      completed: this.#completed,
      lastActiveMs: this.load > 0 ? this.#context.now() : this.#lastActiveMs,
      peak,
    };
  }

  /** Departures count as activity too. */
  touch(nowMs: number): void {
    this.#lastActiveMs = nowMs;
  }

  /** Ends all connections at once. */
  close(): void {
    for (const member of this.#members.splice(0)) {
      this.#context.wheel.remove(member);
      member.close();
    }
  }

  #take(member: Member): void {
    member.inFlight += 1;
    this.#inFlight += 1;
    this.#notePeak();
  }

  #notePeak(): void {
    const load = this.load;
    if (load > this.#peak) this.#peak = load;
  }

  #pump(): void {
    while (this.#waiting.length > 0) {
      const member = this.#context.choose(this.#members);
      if (member === undefined) return;
      const waiter = this.#waiting.shift() as Waiter;
      this.#context.budget.give(heldBytes(waiter));
      this.#take(member);
      waiter.admit(member);
    }
  }

  #drainWaiting(): Waiter[] {
    const waiters: Waiter[] = [];
    for (let waiter = this.#waiting.shift(); waiter !== undefined; waiter = this.#waiting.shift()) {
      this.#context.budget.give(heldBytes(waiter));
      waiters.push(waiter);
    }
    return waiters;
  }

  #hasHope(): boolean {
    return this.#waker.underWay || this.#members.some((member) => member.state !== 'draining');
  }

  #ensureHope(): void {
    if (this.#waiting.length === 0 || this.#hasHope()) return;
    const refusal = this.#breaker.refusal(this.#context.now());
    if (refusal === undefined) this.#waker.start();
    else this.refuseAll(refusal);
  }

  #add(known: Member | undefined, instance: Instance): Member {
    if (known !== undefined) return known;
    const member = new Member(instance, (rested) => {
      if (rested.state === 'suspect') rested.state = 'ready';
      this.#pump();
    });
    this.#members.push(member);
    return member;
  }

  #ready(member: Member, instance: Instance): void {
    if (member.state === 'draining' || member.state === 'gone' || instance.address === undefined) return;
    member.capacity = Math.max(1, instance.concurrency);
    member.transport ??= this.#context.createTransport(instance, this.settings, (reason) => {
      this.retire(member, `it broke the frame protocol: ${reason}`);
    });
    member.state = 'ready';
    this.#pump();
  }

  #ended(known: Member | undefined, instance: Instance): void {
    if (known === undefined) return;
    if (instance.state === 'failed' && !known.served) {
      const why = summaryLine(instance.reason ?? 'it ended before it answered a call');
      this.#breaker.failed(`${this.revision} cannot start: ${why}`, this.#context.now());
    }
    this.#drop(known);
  }

  #drain(member: Member): void {
    this.#context.wheel.remove(member);
    member.state = 'draining';
    if (member.inFlight === 0) this.#drop(member);
  }

  #drop(member: Member): void {
    this.#context.wheel.remove(member);
    const index = this.#members.indexOf(member);
    if (index >= 0) this.#members.splice(index, 1);
    member.close();
    this.#context.dropped(member.id);
  }

  #queueFull(): TinderboxError {
    const message = `${this.revision} has ${this.#waiting.length} calls waiting, the limit is ${this.settings.queueDepth}`;
    return new TinderboxError('queue-full', message, { retryAfterMs: queueRetryAfterMs });
  }
}

function heldBytes(waiter: Waiter): number {
  const body = waiter.call.body;
  return Buffer.isBuffer(body) ? body.length : 0;
}
