/**
 * Takes jobs out of the queue and runs them.
 *
 * Owns: how many run at once, whose turn it is, and cancellation of what runs. Does not own jobs (the queue does), what
 * running means (`run`), or when to try again (decide-retry.ts).
 * 1. Every leased job is settled exactly once, however it ended; a settlement the disk refused is tried again.
 * 2. The lanes of one queue take turns: a lane with work waits for at most one share of each other lane of its queue.
 * 3. Never more jobs of a queue run at once than it may, nor more of a lane than its limit, which adapts (lane-limit.ts).
 *    Queues do not wait for each other.
 * 4. A job that is cancelled while it runs is stopped, and what it answered is dropped.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Cancel } from '../model/cancel.ts';
import { TinderboxError } from '../model/errors.ts';
import { jobSettled, notice } from '../observe/channels.ts';
import type { LeasedJob } from './job.ts';
import { decideLaneLimit, firstLaneLimit, type LaneLimit } from './lane-limit.ts';
import type { JobQueue, Settlement } from './queue.ts';

/** How a run ended. */
export interface RunResult {
  readonly settlement: Settlement;
  /** Whether there was no room for it: the lane gets fewer at once. */
  readonly refused: boolean;
}

/** A queue by name, and how many jobs of all its lanes may run at once. */
export interface Turns {
  readonly name: string;
  readonly most: number;
}

export interface DispatcherOptions {
  readonly queue: Pick<JobQueue, 'lease' | 'settle' | 'cancel' | 'watch' | 'watchCanceled'>;
  /** Runs a job; never rejects. The signal aborts when it is cancelled or the platform stops. */
  readonly run: (job: LeasedJob, signal: Cancel) => Promise<RunResult>;
  /** The queue a lane takes its turns in; asked anew for every turn. */
  readonly turnsOf: (lane: string) => Turns;
  /** Wait before a settlement is tried again, in ms; default 1,000. */
  readonly settleAgainMs?: number;
}

export interface Dispatcher {
  /** Removes a job that waits, or stops one that runs; resolves with whether there was one. */
  cancel(id: string): Promise<boolean>;
  /** Jobs that run now, by lane. */
  running(): ReadonlyMap<string, number>;
  /** How many jobs of a lane may run at once now. */
  limitOf(lane: string): number;
  /** Since when jobs have been waiting that are due, by lane, in Unix time in ms: at most so long, for each of them. */
  waitingSince(): ReadonlyMap<string, number>;
  /** Takes no more; waits for what runs until the signal aborts, then stops it; it is handed out again at the next start. */
  close(signal: AbortSignal): Promise<void>;
}

interface Lane {
  readonly name: string;
  limit: LaneLimit;
  inFlight: number;
  /** Whether there may be jobs to lease. */
  pending: boolean;
  /** While it is pending: no job in it was due before. */
  sinceMs: number;
  leasing: boolean;
}

/** A queue that has work. */
interface WorkQueue {
  readonly name: string;
  /** As it was asked for last. */
  most: number;
  /** Jobs that run, or are being leased. */
  taken: number;
  /** Lanes that have work and room, in the order of their turns. */
  readonly wanting: Set<Lane>;
}

/** Jobs leased of one lane in one turn. */
const share = 32;
/** Beyond so many lanes, what an idle one has learnt of its limit is forgotten. */
const keptLanes = 1000;

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  return new LaneDispatcher(options);
}

class LaneDispatcher implements Dispatcher {
  readonly #queue: DispatcherOptions['queue'];
  readonly #run: DispatcherOptions['run'];
  readonly #turnsOf: DispatcherOptions['turnsOf'];
  readonly #settleAgainMs: number;
  readonly #queues = new Map<string, WorkQueue>();
  readonly #lanes = new Map<string, Lane>();
  readonly #running = new Map<string, Cancel>();
  readonly #stop = new AbortController();
  readonly #unwatch: () => void;
  #inFlight = 0;
  #closing = false;
  #idle: (() => void) | undefined;

  constructor({ queue, run, turnsOf, settleAgainMs = 1000 }: DispatcherOptions) {
    this.#queue = queue;
    this.#run = run;
    this.#turnsOf = turnsOf;
    this.#settleAgainMs = settleAgainMs;
    this.#unwatch = queue.watch((name) => this.#hear(name));
    queue.watchCanceled?.((id) => this.#stopOne(id));
  }

  async cancel(id: string): Promise<boolean> {
    const found = await this.#queue.cancel(id);
    this.#stopOne(id);
    return found;
  }

  running(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#lanes.values()].filter((lane) => lane.inFlight > 0).map((lane) => [lane.name, lane.inFlight]),
    );
  }

  limitOf(lane: string): number {
    return this.#lanes.get(lane)?.limit.limit ?? firstLaneLimit.limit;
  }

  waitingSince(): ReadonlyMap<string, number> {
    return new Map([...this.#lanes.values()].filter(({ pending }) => pending).map((lane) => [lane.name, lane.sinceMs]));
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#closing = true;
    this.#unwatch();
    if (this.#inFlight === 0) return;
    const idle = Promise.withResolvers<void>();
    this.#idle = idle.resolve;
    const stop = (): void => {
      this.#stop.abort();
      for (const cancel of this.#running.values())
        cancel.abort(new TinderboxError('unavailable', 'the platform stops'));
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    await idle.promise;
    signal.removeEventListener('abort', stop);
  }

  #stopOne(id: string): void {
    this.#running.get(id)?.abort(new TinderboxError('canceled', `call ${id} was cancelled`));
  }

  #hear(name: string): void {
    const lane = this.#lanes.get(name) ?? this.#addLane(name);
    if (!lane.pending) lane.sinceMs = Date.now();
    lane.pending = true;
    this.#pump(this.#consider(lane));
  }

  #addLane(name: string): Lane {
    const lane: Lane = { name, limit: firstLaneLimit, inFlight: 0, pending: false, sinceMs: 0, leasing: false };
    this.#lanes.set(name, lane);
    return lane;
  }

  /** Has a lane wait for its turn if it wants one; returns its queue. */
  #consider(lane: Lane): WorkQueue {
    const { name, most } = this.#turnsOf(lane.name);
    let queue = this.#queues.get(name);
    if (queue === undefined) this.#queues.set(name, (queue = { name, most, taken: 0, wanting: new Set() }));
    queue.most = most;
    if (lane.pending && !lane.leasing && lane.inFlight < lane.limit.limit) queue.wanting.add(lane);
    return queue;
  }

  /** Gives every lane that wants it a share, in turn. */
  #pump(queue: WorkQueue): void {
    if (this.#closing) return;
    for (const lane of queue.wanting) {
      const room = queue.most - queue.taken;
      if (room <= 0) return;
      // Its function may have moved to another queue meanwhile, and it may have had its turn there.
      const own = this.#consider(lane);
      queue.wanting.delete(lane);
      const ofLane = lane.limit.limit - lane.inFlight;
      if (own !== queue) this.#pump(own);
      else if (lane.pending && !lane.leasing && ofLane > 0)
        void this.#lease(lane, queue, Math.min(share, room, ofLane));
    }
    if (queue.taken === 0 && queue.wanting.size === 0) this.#queues.delete(queue.name);
  }

  async #lease(lane: Lane, queue: WorkQueue, room: number): Promise<void> {
    lane.leasing = true;
    // Until it is known that fewer came, all are counted as running; news of more work may come meanwhile.
    lane.pending = false;
    this.#count(lane, queue, room);
    let jobs: readonly LeasedJob[] = [];
    try {
      jobs = await this.#queue.lease(lane.name, room);
    } catch (error) {
      this.#leaseFailed(lane, error);
    }
    // What comes after the stop is left to the next start: nothing would ever stop it.
    if (this.#stop.signal.aborted) jobs = [];
    lane.leasing = false;
    if (jobs.length === room) {
      lane.pending = true;
      lane.sinceMs = jobs.at(-1)?.dueMs ?? Date.now();
    }
    this.#count(lane, queue, jobs.length - room);
    for (const job of jobs) void this.#work(lane, queue, job);
    this.#after(lane, queue);
  }

  #leaseFailed(lane: Lane, reason: unknown): void {
    if (this.#closing) return;
    notice.publish({ level: 'warn', part: 'queue', message: `${lane.name}: ${TinderboxError.from(reason).message}` });
    setTimeout(() => this.#hear(lane.name), this.#settleAgainMs).unref();
  }

  async #work(lane: Lane, queue: WorkQueue, job: LeasedJob): Promise<void> {
    const cancel = new Cancel();
    this.#running.set(job.id, cancel);
    const { settlement, refused } = await this.#run(job, cancel);
    lane.limit = decideLaneLimit(lane.limit, refused, lane.inFlight);
    // What the stop of the platform cut off has no outcome: it is still leased, and handed out again at the next start.
    if (!this.#stop.signal.aborted) await this.#settle(job, queue.name, settlement);
    this.#running.delete(job.id);
    this.#count(lane, queue, -1);
    this.#after(lane, queue);
  }

  async #settle(job: LeasedJob, queue: string, settlement: Settlement): Promise<void> {
    for (;;) {
      try {
        const settled = await this.#queue.settle(job, settlement);
        if (settled) jobSettled.publish({ lane: job.lane, queue, outcome: settlement.outcome });
        return;
      } catch (reason) {
        const { code, message } = TinderboxError.from(reason);
        if (this.#stop.signal.aborted || code === 'unavailable') return;
        notice.publish({ level: 'error', part: 'queue', message: `call ${job.id} cannot be settled: ${message}` });
        await wait(this.#settleAgainMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }

  #count(lane: Lane, queue: WorkQueue, change: number): void {
    lane.inFlight += change;
    queue.taken += change;
    this.#inFlight += change;
  }

  /** There is room again in a queue, and maybe for a lane, which may have moved to another queue. */
  #after(lane: Lane, queue: WorkQueue): void {
    const idle = lane.inFlight === 0 && !lane.pending && !lane.leasing;
    if (idle && (lane.limit === firstLaneLimit || this.#lanes.size > keptLanes)) this.#lanes.delete(lane.name);
    if (this.#closing) {
      if (this.#inFlight === 0) this.#idle?.();
      return;
    }
    const own = this.#consider(lane);
    if (own !== queue) this.#pump(own);
    this.#pump(queue);
  }
}
