import type { DatabaseSync } from 'node:sqlite';
import type { Operations } from '../../store/sqlite/batch-runner.ts';
import { giveBackPages } from '../../store/sqlite/give-back-pages.ts';
import { pragma } from '../../store/sqlite/open-database.ts';
import type { Job } from '../job.ts';
import type { QueueLimits } from '../queue.ts';
import { DeadTable, jobFromLetter } from './dead-table.ts';
import { packJob } from './pack-job.ts';
import { type FinishedCall, FinishedTable } from './finished-table.ts';
import { HistoryView } from './history-view.ts';
import { type JobRow, JobTable, usageOf } from './job-table.ts';
import type { Answer, Operation } from './messages.ts';

const reads = new Set<Operation['kind']>([
  'configure',
  'depth',
  'pragmas',
  'dead-list',
  'dead-get',
  'history-get',
  'history-list',
]);

/** What the queue asks of its database. Opening hands out again what was leased when the last process died. */
export function createQueueOperations(db: DatabaseSync): Operations<Operation, Answer> {
  const jobs = new JobTable(db);
  jobs.releaseAll();
  const queue = new QueueOperations(db, jobs);
  return { isWrite: ({ kind }) => !reads.has(kind), perform: (operation) => queue.perform(operation) };
}

type Of<K extends Operation['kind']> = Extract<Operation, { kind: K }>;

/** Until the limits are told. */
const nothing: QueueLimits = {
  laneJobs: 0,
  laneBytes: 0,
  deadLetters: 0,
  deadLettersMs: Number.MAX_SAFE_INTEGER,
  history: 0,
  historyMs: Number.MAX_SAFE_INTEGER,
};

/** How a call ended that was not given up. */
type Ending = Pick<FinishedCall, 'state' | 'createdMs' | 'finishedMs' | 'used' | 'last'>;

const unbounded: QueueLimits = {
  ...nothing,
  laneJobs: Number.POSITIVE_INFINITY,
  laneBytes: Number.POSITIVE_INFINITY,
};

class QueueOperations {
  readonly #db: DatabaseSync;
  readonly #jobs: JobTable;
  readonly #dead: DeadTable;
  readonly #finished: FinishedTable;
  readonly #history: HistoryView;
  #limits: QueueLimits = nothing;

  constructor(db: DatabaseSync, jobs: JobTable) {
    this.#db = db;
    this.#jobs = jobs;
    this.#dead = new DeadTable(db);
    this.#finished = new FinishedTable(db);
    this.#history = new HistoryView(db);
  }

  perform(operation: Operation): Answer {
    switch (operation.kind) {
      case 'configure':
        this.#limits = operation.limits;
        return {};
      case 'append':
        return this.#append(operation);
      case 'lease':
        return { leased: this.#jobs.lease(operation.lane, operation.most, operation.nowMs) };
      case 'settle':
        return this.#settle(operation);
      case 'cancel':
        return this.#cancel(operation);
      case 'promote':
        return this.#promote(operation.nowMs);
      case 'expire':
        return { count: this.#expire(operation.nowMs) + giveBackPages(this.#db) };
      case 'depth':
        return { depth: this.#jobs.depth(), ready: this.#jobs.readyLanes(), nextDueMs: this.#jobs.nextDueMs() };
      case 'pragmas':
        return { pragmas: this.#pragmas() };
      case 'dead-list':
        return { dead: this.#dead.list(operation.lane, operation.limit, operation.beforeMs) };
      case 'dead-get':
        return { dead: [this.#dead.get(operation.id)].filter((letter) => letter !== undefined) };
      case 'history-get':
        return { views: [this.#history.get(operation.id)].filter((view) => view !== undefined) };
      case 'history-list':
        return { views: this.#history.list(operation.lane, operation.states, operation.limit) };
      case 'replay':
        return this.#replay(operation);
      case 'purge':
        return { count: this.#purge(operation) };
    }
  }

  #pragmas(): NonNullable<Answer['pragmas']> {
    const read = (name: string): unknown => pragma(this.#db, name);
    return {
      journal_mode: read('journal_mode'),
      synchronous: read('synchronous'),
      fullfsync: read('fullfsync'),
      locking_mode: read('locking_mode'),
    };
  }

  #append({ jobs, nowMs }: Of<'append'>): Answer {
    return { stored: jobs.map((job) => this.#jobs.add(job, this.#limits, nowMs)), ...this.#announce(jobs, nowMs) };
  }

  #settle({ id, attempt, settlement, nowMs }: Of<'settle'>): Answer {
    const row = this.#jobs.find(id);
    if (row === undefined || row.attempt !== attempt) return { found: false };
    const used = usageOf(row, settlement.used);
    if (settlement.outcome === 'retry') {
      this.#jobs.putBack(row, used, settlement.atMs, nowMs);
      return settlement.atMs > nowMs ? { found: true, nextDueMs: settlement.atMs } : { found: true, ready: [row.lane] };
    }
    if (settlement.outcome === 'dead') {
      const { seq, lane, priority, due } = row;
      const job = { id, lane, priority, dueMs: due, attempt, ...this.#jobs.content(seq) };
      const { reason, record } = settlement;
      this.#dead.add({ job, reason, startedMs: row.started, used, last: record }, nowMs, this.#limits.deadLetters);
    }
    const createdMs = this.#jobs.remove(id, row, nowMs);
    if (settlement.outcome === 'done') {
      this.#note(id, row, { state: 'done', createdMs, finishedMs: nowMs, used, last: settlement.record });
    }
    // What follows from a job takes the place it leaves: it is never refused for want of room.
    for (const job of settlement.next) this.#jobs.add(job, unbounded, nowMs);
    return { found: true, ...this.#announce(settlement.next, nowMs) };
  }

  #cancel({ id, nowMs }: Of<'cancel'>): Answer {
    const row = this.#jobs.find(id);
    if (row === undefined) return { found: false };
    const createdMs = this.#jobs.remove(id, row, 0);
    this.#note(id, row, { state: 'canceled', createdMs, finishedMs: nowMs, used: usageOf(row, undefined) });
    return { found: true };
  }

  #note(id: string, { lane, attempt, started }: JobRow, end: Ending): void {
    this.#finished.add({ id, lane, attempts: attempt, startedMs: started, ...end }, this.#limits.history);
  }

  #expire(nowMs: number): number {
    const kept = { nowMs, limits: this.#limits };
    return this.#dead.expire(kept) + this.#finished.expire(kept) + this.#jobs.forget(nowMs);
  }

  #promote(nowMs: number): Answer {
    return { ready: this.#jobs.promote(nowMs), nextDueMs: this.#jobs.nextDueMs() };
  }

  #replay({ id, nowMs }: Of<'replay'>): Answer {
    const letter = this.#dead.get(id);
    if (letter === undefined) return { found: false };
    const job = jobFromLetter(letter, nowMs);
    this.#jobs.put(packJob(job), this.#limits, nowMs);
    this.#dead.remove(id);
    return { found: true, ...this.#announce([job], nowMs) };
  }

  #purge({ id, lane }: Of<'purge'>): number {
    if (id !== undefined) return this.#dead.remove(id);
    return lane === undefined ? 0 : this.#dead.removeLane(lane);
  }

  #announce(jobs: readonly Pick<Job, 'lane' | 'dueMs'>[], nowMs: number): Pick<Answer, 'ready' | 'nextDueMs'> {
    const ready = new Set<string>();
    let nextDueMs: number | undefined;
    for (const { lane, dueMs } of jobs) {
      if (dueMs <= nowMs) ready.add(lane);
      else nextDueMs = Math.min(nextDueMs ?? dueMs, dueMs);
    }
    return nextDueMs === undefined ? { ready: [...ready] } : { ready: [...ready], nextDueMs };
  }
}
