/**
 * Takes jobs out of the queue and runs them.
 *
 * Owns: how many run at once, whose turn it is, and cancellation of what runs. Does not own jobs (the queue does), what
 * running means (`run`), or when to try again (decide-retry.ts).
 * 1. Every leased job is settled exactly once, however it ended; a settlement the disk refused is tried again.
 * 2. Lanes take turns: a lane with work waits for at most one share of each other lane.
 * 3. Never more than `most` jobs run at once, nor more of a lane than its limit, which adapts (lane-limit.ts).
 * 4. A job that is cancelled while it runs is stopped, and what it answered is dropped.
 */
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

export interface DispatcherOptions {
  readonly queue: Pick<JobQueue, 'lease' | 'settle' | 'cancel' | 'watch'>;
  /** Runs a job; never rejects. The signal aborts when it is cancelled or the platform stops. */
  readonly run: (job: LeasedJob, signal: Cancel) => Promise<RunResult>;
  /** Jobs that run at once; default 512. */
  readonly most?: number;
  /** Wait before a settlement is tried again, in ms; default 1,000. */
  readonly settleAgainMs?: number;
}

export interface Dispatcher {
  /** Removes a job that waits, or stops one that runs; resolves with whether there was one. */
  cancel(id: string): Promise<boolean>;
  /** Jobs that run now, by lane. */
  running(): ReadonlyMap<string, number>;
  /** Takes no more; waits for what runs until the signal aborts, then stops it; it is handed out again at the next start. */
  close(signal: AbortSignal): Promise<void>;
}

interface Lane {
  readonly name: string;
  limit: LaneLimit;
  inFlight: number;
  /** Whether there may be jobs to lease. */
  pending: boolean;
  leasing: boolean;
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
  readonly #most: number;
  readonly #settleAgainMs: number;
  /** In the order of their turns. */
  readonly #lanes = new Map<string, Lane>();
  readonly #running = new Map<string, Cancel>();
  readonly #stop = new AbortController();
  readonly #unwatch: () => void;
  #inFlight = 0;
  #closing = false;
  #idle: (() => void) | undefined;

  constructor({ queue, run, most = 512, settleAgainMs = 1000 }: DispatcherOptions) {
    this.#queue = queue;
    this.#run = run;
    this.#most = most;
    this.#settleAgainMs = settleAgainMs;
    this.#unwatch = queue.watch((name) => this.#hear(name));
  }

  async cancel(id: string): Promise<boolean> {
    const found = await this.#queue.cancel(id);
    this.#running.get(id)?.abort(new TinderboxError('canceled', `call ${id} was cancelled`));
    return found;
  }

  running(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#lanes.values()].filter((lane) => lane.inFlight > 0).map((lane) => [lane.name, lane.inFlight]),
    );
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

  #hear(name: string): void {
    const lane = this.#lanes.get(name) ?? this.#addLane(name);
    lane.pending = true;
    this.#pump();
  }

  #addLane(name: string): Lane {
    const lane: Lane = { name, limit: firstLaneLimit, inFlight: 0, pending: false, leasing: false };
    this.#lanes.set(name, lane);
    return lane;
  }

  /** Gives every lane that wants it a share, in turn. */
  #pump(): void {
    if (this.#closing) return;
    for (const lane of this.#lanes.values()) {
      const room = Math.min(share, this.#most - this.#inFlight, lane.limit.limit - lane.inFlight);
      if (!lane.pending || lane.leasing || room <= 0) continue;
      this.#lanes.delete(lane.name);
      this.#lanes.set(lane.name, lane);
      void this.#lease(lane, room);
    }
  }

  async #lease(lane: Lane, room: number): Promise<void> {
    lane.leasing = true;
    // Until it is known that fewer came, all are counted as running; news of more work may come meanwhile.
    lane.pending = false;
    this.#count(lane, room);
    let jobs: readonly LeasedJob[] = [];
    try {
      jobs = await this.#queue.lease(lane.name, room);
    } catch (error) {
      this.#leaseFailed(lane, error);
    }
    lane.leasing = false;
    if (jobs.length === room) lane.pending = true;
    this.#count(lane, jobs.length - room);
    for (const job of jobs) void this.#work(lane, job);
    this.#after(lane);
  }

  #leaseFailed(lane: Lane, reason: unknown): void {
    if (this.#closing) return;
    notice.publish({ level: 'warn', part: 'queue', message: `${lane.name}: ${TinderboxError.from(reason).message}` });
    setTimeout(() => this.#hear(lane.name), this.#settleAgainMs).unref();
  }

  async #work(lane: Lane, job: LeasedJob): Promise<void> {
    const cancel = new Cancel();
    this.#running.set(job.id, cancel);
    const { settlement, refused } = await this.#run(job, cancel);
    lane.limit = decideLaneLimit(lane.limit, refused, lane.inFlight);
    // What the stop of the platform cut off has no outcome: it is still leased, and handed out again at the next start.
    if (!this.#stop.signal.aborted) await this.#settle(job, settlement);
    this.#running.delete(job.id);
    this.#count(lane, -1);
    this.#after(lane);
  }

  async #settle(job: LeasedJob, settlement: Settlement): Promise<void> {
    for (;;) {
      try {
        const settled = await this.#queue.settle(job, settlement);
        if (settled) jobSettled.publish({ lane: job.lane, outcome: settlement.outcome });
        return;
      } catch (reason) {
        const { code, message } = TinderboxError.from(reason);
        if (this.#stop.signal.aborted || code === 'unavailable') return;
        notice.publish({ level: 'error', part: 'queue', message: `call ${job.id} cannot be settled: ${message}` });
        await this.#pause();
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#settleAgainMs);
      this.#stop.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #count(lane: Lane, change: number): void {
    lane.inFlight += change;
    this.#inFlight += change;
  }

  #after(lane: Lane): void {
    const idle = lane.inFlight === 0 && !lane.pending && !lane.leasing;
    if (idle && (lane.limit === firstLaneLimit || this.#lanes.size > keptLanes)) this.#lanes.delete(lane.name);
    if (this.#closing) {
      if (this.#inFlight === 0) this.#idle?.();
      return;
    }
    this.#pump();
  }
}
