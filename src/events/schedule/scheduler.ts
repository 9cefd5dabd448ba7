/**
 * Calls functions by the clock: for each due time one job.
 *
 * Owns: the due times to come, and the clock that waits for the nearest. Does not own functions (the store does) nor what
 * becomes of a job (the queue does).
 * 1. A due time makes one job, however many platforms share the queue: its id is derived from function, expression and time.
 * 2. With `overlap: skip` the id has no time in it, so that no second job is stored while the first is.
 * 3. What was due while no platform ran is forgotten, or made up for once, as the schedule says.
 * 4. A clock that is set back makes no job twice; one that is set forward makes each schedule due at most once.
 */
import { createHash } from 'node:crypto';
import type { FunctionKey } from '../../model/names.ts';
import { TinderboxError } from '../../model/errors.ts';
import { notice } from '../../observe/channels.ts';
import type { Job } from '../../queue/job.ts';
import type { Schedule } from './schedule.ts';

export interface SchedulerOptions {
  /** Stores a job; false: it was known. */
  readonly accept: (job: Job) => Promise<boolean>;
  /** Remembers the last due time of a schedule that makes up for missed runs. */
  readonly memory: ScheduleMemory;
  /** Unix time in ms; default `Date.now`. */
  readonly now?: () => number;
}

/** Last due times by the id of a schedule, kept across restarts. */
export interface ScheduleMemory {
  last(id: string): number | undefined;
  remember(id: string, dueMs: number): void;
  forget(id: string): void;
}

export interface PlannedRun {
  readonly function: FunctionKey;
  readonly expression: string;
  /** Unix ms; undefined: never again. */
  readonly nextMs: number | undefined;
}

export interface Scheduler {
  /** The schedules a function has from now on; an empty list removes it. */
  set(key: FunctionKey, schedules: readonly Schedule[]): void;
  /** By function and expression. */
  planned(): readonly PlannedRun[];
  close(): void;
}

interface Entry {
  readonly id: string;
  readonly schedule: Schedule;
  dueMs: number | undefined;
}

/** The clock may be set meanwhile: it is looked at least this often. */
const longestSleepMs = 1_000;
/** How long a due time is known after its job is over: longer than any platform lags behind another. */
const rememberMs = 3_600_000;
const advancedAtOnce = 20;
/** Wait before a job the queue refused is offered again. */
const againMs = 1_000;

export function createScheduler(options: SchedulerOptions): Scheduler {
  return new ClockScheduler(options);
}

class ClockScheduler implements Scheduler {
  readonly #accept: SchedulerOptions['accept'];
  readonly #memory: ScheduleMemory;
  readonly #now: () => number;
  readonly #entries = new Map<FunctionKey, Entry[]>();
  readonly #offers = new Set<NodeJS.Timeout>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ accept, memory, now }: SchedulerOptions) {
    this.#accept = accept;
    this.#memory = memory;
    this.#now = now ?? Date.now;
  }

  set(key: FunctionKey, schedules: readonly Schedule[]): void {
    const before = new Map((this.#entries.get(key) ?? []).map((entry) => [entry.id, entry]));
    const entries = schedules.map((schedule) => {
      const id = scheduleId(schedule);
      const known = before.get(id);
      before.delete(id);
      // A redeploy does not move what is due.
      return known === undefined ? this.#entry(id, schedule) : { ...known, schedule };
    });
    for (const id of before.keys()) this.#memory.forget(id);
    if (entries.length === 0) this.#entries.delete(key);
    else this.#entries.set(key, entries);
    this.#sleep();
  }

  planned(): readonly PlannedRun[] {
    return [...this.#all()]
      .map(({ schedule, dueMs }) => ({ function: schedule.function, expression: schedule.expression, nextMs: dueMs }))
      .sort((a, b) => compare(a.function, b.function) || compare(a.expression, b.expression));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const timer of this.#offers) clearTimeout(timer);
  }

  #entry(id: string, schedule: Schedule): Entry {
    const nowMs = this.#now();
    const lastMs = schedule.missed === 'once' ? this.#memory.last(id) : undefined;
    if (lastMs === undefined) {
      if (schedule.missed === 'once') this.#memory.remember(id, nowMs);
      return { id, schedule, dueMs: schedule.next(nowMs) };
    }
    return { id, schedule, dueMs: schedule.next(lastMs) };
  }

  *#all(): Iterable<Entry> {
    for (const entries of this.#entries.values()) yield* entries;
  }

  #sleep(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    let nearestMs = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#all()) nearestMs = Math.min(nearestMs, dueMs ?? nearestMs);
    if (nearestMs === Number.POSITIVE_INFINITY) return;
    const waitMs = Math.min(longestSleepMs, Math.max(1, nearestMs - this.#now()));
    this.#timer = setTimeout(() => this.#wake(), waitMs);
    this.#timer.unref();
  }

  #wake(): void {
    const nowMs = this.#now();
    const due: Entry[] = [];
    for (const entry of this.#all()) {
      const { dueMs } = entry;
      if (dueMs === undefined || dueMs > nowMs) continue;
      due.push(entry);
      entry.dueMs = undefined;
      this.#offer(entry, dueMs);
      if (entry.schedule.missed === 'once') this.#memory.remember(entry.id, nowMs);
    }
    this.#advance(due, nowMs);
  }

  /** The next due time of a cron expression takes a tenth of a millisecond: thousands at once would hold up calls. */
  #advance(due: Entry[], nowMs: number): void {
    for (const entry of due.splice(0, advancedAtOnce)) entry.dueMs = entry.schedule.next(nowMs);
    if (due.length === 0) this.#sleep();
    else setImmediate(() => this.#advance(due, nowMs));
  }

  #offer(entry: Entry, dueMs: number): void {
    const job = jobFrom(entry, dueMs, this.#now());
    this.#accept(job).catch((reason: unknown) => {
      const { message } = TinderboxError.from(reason);
      const { expression } = entry.schedule;
      notice.publish({
        level: 'warn',
        part: 'events',
        message: `${job.lane}: run of "${expression}" waits: ${message}`,
      });
      this.#offerAgain(entry, dueMs);
    });
  }

  #offerAgain(entry: Entry, dueMs: number): void {
    const isThere = this.#entries.get(entry.schedule.function)?.some(({ id }) => id === entry.id) === true;
    if (this.#closed || !isThere) return;
    const timer = setTimeout(() => {
      this.#offers.delete(timer);
      this.#offer(entry, dueMs);
    }, againMs);
    timer.unref();
    this.#offers.add(timer);
  }
}

/** The same for the same expression of the same function, on every platform; short enough for a call's id. */
function scheduleId({ function: key, expression }: Schedule): string {
  return `cron-${createHash('sha256').update(`${key}\n${expression}`).digest('hex').slice(0, 20)}`;
}

function jobFrom({ id, schedule }: Entry, dueMs: number, nowMs: number): Job {
  const overlaps = schedule.overlap === 'allow';
  const headers = ['X-Connector', 'tinderbox cron', 'X-Topic', 'cron-function', 'Content-Type', 'text/plain'];
  headers.push('X-Schedule', schedule.expression, 'X-Schedule-Time', new Date(dueMs).toISOString());
  return {
    id: overlaps ? `${id}-${dueMs}` : id,
    lane: schedule.function,
    priority: 0,
    dueMs: nowMs,
    createdMs: nowMs,
    rememberMs: overlaps ? dueMs + rememberMs : 0,
    payload: { kind: 'call', function: schedule.function, method: 'POST', target: '/', headers },
    body: new Uint8Array(),
  };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
