/**
 * Calls functions by the clock: for each due time one job.
 *
 * Owns: the due times to come, and the clock that waits for the nearest. Does not own functions (the store does) nor what
 * becomes of a job (the queue does).
 * 1. A due time makes one job, however many platforms share the queue: its id is derived from function, expression and time.
 * 2. With `overlap: skip` the id has no time in it, so that no second job is stored while the first is; its time is known
 *    beside it.
 * 3. What was due while no platform ran is forgotten, or made up for once, as the schedule says.
 * 4. A clock that is set back by up to an hour makes no job twice; by more, it was wrong before, and what is due is found
 *    anew. One that is set forward makes each schedule due at most once.
 * 5. However many are due at once, calls of functions are not held up: work is done in small parts, storing jobs first.
 * 6. The last run of a schedule that makes up for missed ones is remembered after its job is stored, never before.
 */
import { createHash } from 'node:crypto';
import type { FunctionKey } from '../../model/names.ts';
import { TinderboxError } from '../../model/errors.ts';
import { notice } from '../../observe/channels.ts';
import type { Job } from '../../queue/job.ts';
import { DueHeap } from './due-heap.ts';
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
  /** Who set it. */
  readonly owner: string;
  readonly function: FunctionKey;
  readonly expression: string;
  /** Unix ms; undefined: never again. */
  readonly nextMs: number | undefined;
}

export interface Scheduler {
  /** The schedules of an owner (a function, a trigger) from now on; an empty list removes it. */
  set(owner: string, schedules: readonly Schedule[]): void;
  /** By function and expression. */
  planned(): readonly PlannedRun[];
  close(): void;
}

interface Entry {
  readonly id: string;
  readonly owner: string;
  schedule: Schedule;
  dueMs: number | undefined;
  /** Due times whose jobs the queue refused. */
  readonly refused: number[];
}

/** A due time whose job is to be stored. */
interface Ripe {
  readonly entry: Entry;
  readonly dueMs: number;
}

/** The clock may be set meanwhile: it is looked at least this often. */
const longestSleepMs = 1_000;
/** How long a due time is known after its job is over: longer than any platform lags behind another. */
const rememberMs = 3_600_000;
/** The next due time of a cron expression takes a tenth of a millisecond, offering a job about as much. */
const [offeredAtOnce, advancedAtOnce] = [100, 20];
/** Wait before a job the queue refused is offered again. */
const againMs = 1_000;

export function createScheduler(options: SchedulerOptions): Scheduler {
  return new ClockScheduler(options);
}

class ClockScheduler implements Scheduler {
  readonly #accept: SchedulerOptions['accept'];
  readonly #memory: ScheduleMemory;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry[]>();
  readonly #heap = new DueHeap<Entry>();
  readonly #offers = new Set<NodeJS.Timeout>();
  #ripe: Ripe[] = [];
  #passed: Entry[] = [];
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Number.POSITIVE_INFINITY;
  /** What the clock said last. */
  #clockMs = Number.NEGATIVE_INFINITY;
  #working: NodeJS.Immediate | undefined;
  #closed = false;

  constructor({ accept, memory, now }: SchedulerOptions) {
    this.#accept = accept;
    this.#memory = memory;
    this.#now = now ?? Date.now;
  }

  set(owner: string, schedules: readonly Schedule[]): void {
    const before = new Map((this.#entries.get(owner) ?? []).map((entry) => [entry.id, entry]));
    this.#count += schedules.length - before.size;
    const entries = schedules.map((schedule) => {
      const id = scheduleId(owner, schedule);
      const known = before.get(id);
      before.delete(id);
      if (known === undefined) return this.#enter({ id, owner, schedule, dueMs: undefined, refused: [] });
      return this.#change(known, schedule);
    });
    for (const [id, entry] of before) {
      entry.dueMs = undefined;
      this.#memory.forget(id);
    }
    if (entries.length === 0) this.#entries.delete(owner);
    else this.#entries.set(owner, entries);
    this.#heap.trim(this.#count);
    this.#sleep();
  }

  planned(): readonly PlannedRun[] {
    return [...this.#entries.values()]
      .flat()
      .map(({ owner, schedule, dueMs }) => ({
        owner,
        function: schedule.function,
        expression: schedule.expression,
        nextMs: dueMs,
      }))
      .sort((a, b) => compare(a.function, b.function) || compare(a.expression, b.expression));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#working);
    for (const timer of this.#offers) clearTimeout(timer);
  }

  /** A redeploy does not move what is due, unless it is due by another clock on the wall now. */
  #change(entry: Entry, schedule: Schedule): Entry {
    const { missed, paused = false, zone } = entry.schedule;
    entry.schedule = schedule;
    if (paused !== (schedule.paused ?? false)) return this.#enter(entry);
    const nowMs = this.#now();
    if (zone !== schedule.zone) this.#plan(entry, nowMs);
    if (missed === schedule.missed) return entry;
    // From now on what is missed counts, or does no more.
    if (schedule.missed === 'once') this.#memory.remember(entry.id, nowMs);
    else this.#memory.forget(entry.id);
    return entry;
  }

  /** Finds when it is due first, or again after a pause. */
  #enter(entry: Entry): Entry {
    const { id, schedule } = entry;
    const nowMs = this.#now();
    const known = schedule.missed === 'once' ? this.#memory.last(id) : undefined;
    const lastMs = known === undefined || known - nowMs > rememberMs ? undefined : known;
    if (lastMs === undefined && schedule.missed === 'once') this.#memory.remember(id, nowMs);
    return this.#plan(entry, lastMs ?? nowMs);
  }

  #plan(entry: Entry, afterMs: number): Entry {
    entry.dueMs = entry.schedule.paused === true ? undefined : entry.schedule.next(afterMs);
    this.#heap.add(entry);
    return entry;
  }

  #sleep(): void {
    if (this.#closed) return;
    const nextMs = this.#heap.nextMs();
    if (nextMs === this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = nextMs ?? Number.POSITIVE_INFINITY;
    if (nextMs === undefined) return;
    const waitMs = Math.min(longestSleepMs, Math.max(1, nextMs - this.#now()));
    this.#timer = setTimeout(() => this.#wake(), waitMs);
    this.#timer.unref();
  }

  #wake(): void {
    this.#timerMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#now();
    if (this.#clockMs - nowMs > rememberMs) this.#planAnew(nowMs);
    this.#clockMs = nowMs;
    for (let entry = this.#heap.take(nowMs); entry !== undefined; entry = this.#heap.take(nowMs)) {
      const { dueMs } = entry;
      if (dueMs !== undefined) this.#ripe.push({ entry, dueMs });
      entry.dueMs = undefined;
      this.#passed.push(entry);
    }
    if (this.#working === undefined) this.#work();
    this.#sleep();
  }

  /** The clock was wrong: what is due is not as far away as it seemed. */
  #planAnew(nowMs: number): void {
    for (const entry of [...this.#entries.values()].flat()) {
      if (entry.schedule.missed === 'once') this.#memory.remember(entry.id, nowMs);
      if (entry.dueMs !== undefined) this.#plan(entry, nowMs);
    }
    this.#heap.trim(this.#count);
  }

  /** Offers and then advances a few, and goes on after whatever else waits. */
  #work(): void {
    this.#working = undefined;
    if (this.#ripe.length > 0) {
      for (const { entry, dueMs } of this.#ripe.splice(0, offeredAtOnce)) this.#offer(entry, dueMs);
    } else {
      const nowMs = this.#now();
      for (const entry of this.#passed.splice(0, advancedAtOnce)) this.#advance(entry, nowMs);
      this.#sleep();
    }
    if (this.#ripe.length === 0 && this.#passed.length === 0) return;
    this.#working = setImmediate(() => this.#work());
  }

  #advance(entry: Entry, nowMs: number): void {
    // It may have been removed, paused or resumed meanwhile.
    if (!this.#isThere(entry) || entry.schedule.paused === true || entry.dueMs !== undefined) return;
    entry.dueMs = entry.schedule.next(nowMs);
    this.#heap.add(entry);
  }

  #isThere(entry: Entry): boolean {
    return this.#entries.get(entry.owner)?.includes(entry) === true;
  }

  #offer(entry: Entry, dueMs: number): void {
    // Behind those that were refused, so that however long the queue is away it is asked once for each schedule.
    if (entry.refused.length > 0) entry.refused.push(dueMs);
    else void this.#store(entry, dueMs).catch((reason: unknown) => this.#refused(entry, dueMs, reason));
  }

  async #store(entry: Entry, dueMs: number): Promise<void> {
    const { id, schedule, refused } = entry;
    const nowMs = this.#now();
    await this.#accept(jobFrom(id, schedule, dueMs, nowMs));
    // Those that still wait are made up for when this platform dies before they are stored.
    const doneMs = refused.some((other) => other !== dueMs) ? dueMs : nowMs;
    if (schedule.missed === 'once' && this.#isThere(entry)) this.#memory.remember(id, doneMs);
  }

  #refused(entry: Entry, dueMs: number, reason: unknown): void {
    const { function: lane, expression } = entry.schedule;
    const { message } = TinderboxError.from(reason);
    if (entry.refused.push(dueMs) > 1) return;
    notice.publish({
      level: 'warn',
      part: 'events',
      message: `${lane}: runs of "${expression}" wait: ${message}`,
    });
    this.#offerAgain(entry);
  }

  #offerAgain(entry: Entry): void {
    if (this.#closed || !this.#isThere(entry)) return;
    const timer = setTimeout(() => {
      this.#offers.delete(timer);
      void this.#offerRefused(entry).catch(() => this.#offerAgain(entry));
    }, againMs);
    timer.unref();
    this.#offers.add(timer);
  }

  /** The oldest first, until one is refused again. */
  async #offerRefused(entry: Entry): Promise<void> {
    for (let dueMs = entry.refused[0]; dueMs !== undefined; dueMs = entry.refused[0]) {
      if (this.#closed || !this.#isThere(entry)) return;
      await this.#store(entry, dueMs);
      entry.refused.shift();
    }
  }
}

/** The same for the same expression of the same owner, on every platform; short enough for a call's id. */
function scheduleId(owner: string, { expression }: Schedule): string {
  return `cron-${createHash('sha256').update(`${owner}\n${expression}`).digest('hex').slice(0, 20)}`;
}

function jobFrom(id: string, schedule: Schedule, dueMs: number, nowMs: number): Job {
  const overlaps = schedule.overlap === 'allow';
  const { method = 'POST', target = '/', headers = [], body = new Uint8Array() } = schedule.call ?? {};
  const own = ['X-Connector', 'tinderbox cron', 'X-Topic', 'cron-function'];
  if (!headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'content-type'))
    own.push('Content-Type', 'text/plain');
  own.push('X-Schedule', schedule.expression, 'X-Schedule-Time', new Date(dueMs).toISOString());
  const [dueId, untilMs] = [`${id}-${dueMs}`, dueMs + rememberMs];
  return {
    id: overlaps ? dueId : id,
    lane: schedule.function,
    priority: 0,
    dueMs: nowMs,
    createdMs: nowMs,
    rememberMs: overlaps ? untilMs : 0,
    ...(overlaps ? {} : { once: { id: dueId, untilMs } }),
    payload: { kind: 'call', function: schedule.function, method, target, headers: [...own, ...headers] },
    body,
  };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
