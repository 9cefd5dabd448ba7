/**
 * The queue on one SQLite file, in a thread of its own.
 *
 * Owns: the clock that says when delayed jobs are due, and who hears of lanes with work. The thread owns the tables.
 * 1. Listeners hear of a lane after the commit that gave it work.
 * 2. A lease lives as long as this process: the file is locked by it, and opening releases what another one leased.
 */
import { LaneListeners } from '../lane-listeners.ts';
import { invocationStates } from '../../model/invocation-status.ts';
import { TinderboxError } from '../../model/errors.ts';
import { notice } from '../../observe/channels.ts';
import { type BatchThread, openBatchThread } from '../../store/sqlite/batch-thread.ts';
import type { Job, LeasedJob } from '../job.ts';
import type { DeadLetters, History, JobQueue, LaneDepth, QueueLimits, Settlement } from '../queue.ts';
import type { Answer, Operation } from './messages.ts';
import { packJob, packSettlement, unpackJob } from './pack-job.ts';

export interface SqliteQueueOptions {
  /** The database file, made (0600) when absent; its folder must exist. */
  readonly file: string;
  readonly limits: QueueLimits;
  /** Unix time in ms; default `Date.now`. */
  readonly now?: () => number;
}

const workerLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4, stackSizeMb: 1 };
/** How often what is too old is looked for: twice within the time it is kept, but not more often than need be. */
const sweepMs = { least: 20, most: 60_000 } as const;
/** The clock may be set while jobs wait: it is looked at least this often. */
const longestSleepMs = 1_000;

/** Rejects with `config` (damaged, not ours, newer schema, not writable), `conflict` (open elsewhere) or `disk-full`. */
export async function createSqliteQueue(options: SqliteQueueOptions): Promise<JobQueue> {
  const thread = await openBatchThread<Operation, Answer>({
    module: workerUrl(),
    file: options.file,
    name: 'queue',
    limits: workerLimits,
  });
  const queue = new SqliteQueue(thread, options);
  await queue.start();
  return queue;
}

/** The worker is .ts when run from source and .js when compiled, like this module. */
function workerUrl(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('./worker.ts', import.meta.url)
    : new URL('./worker.js', import.meta.url);
}

class SqliteQueue implements JobQueue {
  readonly backbone = { name: 'sqlite', about: 'SQLite in the data folder', limits: [] } as const;
  readonly deadLetters: DeadLetters;
  readonly history: History;
  readonly #thread: BatchThread<Operation, Answer>;
  readonly #limits: QueueLimits;
  readonly #now: () => number;
  readonly #listeners = new LaneListeners();
  #nextDueMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #sweepTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(thread: BatchThread<Operation, Answer>, { limits, now }: SqliteQueueOptions) {
    this.#thread = thread;
    this.#limits = limits;
    this.#now = now ?? Date.now;
    this.history = {
      get: async (id) => (await this.#thread.ask({ kind: 'history-get', id })).views?.[0],
      list: async ({ lane, states, limit }) =>
        (await this.#thread.ask({ kind: 'history-list', lane, states: states ?? invocationStates, limit })).views ?? [],
    };
    this.deadLetters = {
      list: async ({ lane, limit, beforeMs }) => {
        const before = beforeMs ?? Number.MAX_SAFE_INTEGER;
        return (await this.#thread.ask({ kind: 'dead-list', lane, limit, beforeMs: before })).dead ?? [];
      },
      get: async (id) => (await this.#thread.ask({ kind: 'dead-get', id })).dead?.[0],
      replay: (id) => this.#replay(id),
      purge: async (what) =>
        (
          await this.#thread.ask({
            kind: 'purge',
            id: 'id' in what ? what.id : undefined,
            lane: 'lane' in what ? what.lane : undefined,
          })
        ).count ?? 0,
    };
  }

  /** Looks what the last process left. */
  async start(): Promise<void> {
    const { laneJobs, laneBytes, deadLetters, deadLettersMs, history, historyMs } = this.#limits;
    const limits = { laneJobs, laneBytes, deadLetters, deadLettersMs, history, historyMs };
    await this.#thread.ask({ kind: 'configure', limits });
    this.#heed(await this.#thread.ask({ kind: 'depth' }));
    this.#sweepLater();
  }

  async append(jobs: readonly Job[]): Promise<readonly boolean[]> {
    const answer = await this.#thread.ask({ kind: 'append', jobs: jobs.map(packJob), nowMs: this.#now() });
    this.#heed(answer);
    return answer.stored ?? [];
  }

  async lease(lane: string, most: number): Promise<readonly LeasedJob[]> {
    const { leased = [] } = await this.#thread.ask({ kind: 'lease', lane, most, nowMs: this.#now() });
    return leased.map(unpackJob);
  }

  async settle({ id, attempt }: LeasedJob, settlement: Settlement): Promise<boolean> {
    const nowMs = this.#now();
    const packed = packSettlement(settlement);
    const answer = await this.#thread.ask({ kind: 'settle', id, attempt, settlement: packed, nowMs });
    this.#heed(answer);
    return answer.found === true;
  }

  async cancel(id: string): Promise<boolean> {
    const answer = await this.#thread.ask({ kind: 'cancel', id, nowMs: this.#now() });
    return answer.found === true;
  }

  async depth(): Promise<readonly LaneDepth[]> {
    return (await this.#thread.ask({ kind: 'depth' })).depth ?? [];
  }

  watch(listener: (lane: string) => void): () => void {
    return this.#listeners.add(listener);
  }

  close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#sweepTimer);
    return this.#thread.close();
  }

  async #replay(id: string): Promise<boolean> {
    const answer = await this.#thread.ask({ kind: 'replay', id, nowMs: this.#now() });
    this.#heed(answer);
    return answer.found === true;
  }

  /** Passes on which lanes have work, and sets the clock for what is due later. */
  #heed({ ready, nextDueMs }: Answer): void {
    for (const lane of ready ?? []) this.#listeners.tell(lane);
    if (nextDueMs !== undefined && nextDueMs < this.#nextDueMs) {
      this.#nextDueMs = nextDueMs;
      this.#sleep();
    }
  }

  #sleep(): void {
    clearTimeout(this.#timer);
    if (this.#closed || this.#nextDueMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.min(longestSleepMs, Math.max(1, this.#nextDueMs - this.#now()));
    this.#timer = setTimeout(() => this.#wake(), waitMs);
    this.#timer.unref();
  }

  #wake(): void {
    const nowMs = this.#now();
    if (nowMs < this.#nextDueMs) return this.#sleep();
    this.#nextDueMs = Number.POSITIVE_INFINITY;
    this.#thread.ask({ kind: 'promote', nowMs }).then(
      (answer) => this.#heed(answer),
      (error: TinderboxError) => this.#promotionFailed(error, nowMs),
    );
  }

  #promotionFailed(error: TinderboxError, nowMs: number): void {
    if (this.#closed) return;
    notice.publish({ level: 'warn', part: 'queue', message: `delayed calls wait longer: ${error.message}` });
    this.#nextDueMs = Math.min(this.#nextDueMs, nowMs + longestSleepMs);
    this.#sleep();
  }

  /** Removes what was kept long enough, and gives back the room it and others took, some of it at a time. */
  async #sweep(): Promise<void> {
    try {
      const { count = 0 } = await this.#thread.ask({ kind: 'expire', nowMs: this.#now() });
      this.#sweepLater(count > 0 ? sweepMs.least : undefined);
    } catch (reason) {
      if (this.#closed) return;
      const { message } = TinderboxError.from(reason);
      notice.publish({ level: 'warn', part: 'queue', message: `calls that are over are kept longer: ${message}` });
      this.#sweepLater();
    }
  }

  #sweepLater(waitMs = Math.min(this.#limits.historyMs, this.#limits.deadLettersMs) / 2): void {
    if (this.#closed) return;
    const boundedMs = Math.max(sweepMs.least, Math.min(sweepMs.most, waitMs));
    this.#sweepTimer = setTimeout(() => void this.#sweep(), boundedMs);
    this.#sweepTimer.unref();
  }
}
