import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TinderboxError } from '../../model/errors.ts';
import type { CallUsage, Job, LeasedJob } from '../job.ts';
import type { LaneDepth, QueueLimits } from '../queue.ts';
import { mostExpired } from './finished-table.ts';
import type { Packed } from './messages.ts';

const [ready, delayed, leased] = [0, 1, 2];
/** Jobs that are made ready in one step: a million that are due at once must not hold up calls. */
export const mostPromoted = 5000;

/** A stored job without what stands in its contents. */
export interface JobRow {
  readonly seq: number;
  readonly lane: string;
  readonly priority: number;
  readonly due: number;
  readonly attempt: number;
  readonly bytes: number;
  /** When the last attempt began; 0: none has. */
  readonly started: number;
  /** What attempts that ended used: milliseconds, and GB-seconds. */
  readonly billed: number;
  readonly cost: number;
}

/**
 * The tables `jobs`, `contents`, `lanes` and `remembered`. Every method is one step of a transaction that its caller owns.
 *
 * 1. A lane's row counts exactly the jobs and bytes that stand in `jobs` for it.
 * 2. An id is in `jobs` or in `remembered` as long as a repeat of it must be known.
 */
export class JobTable {
  readonly #insert: StatementSync;
  readonly #contents: StatementSync;
  readonly #isRemembered: StatementSync;
  readonly #remember: StatementSync;
  readonly #forget: StatementSync;
  readonly #count: StatementSync;
  readonly #emptied: StatementSync;
  readonly #due: StatementSync;
  readonly #lease: StatementSync;
  readonly #content: StatementSync;
  readonly #find: StatementSync;
  readonly #putBack: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeContents: StatementSync;
  readonly #promote: StatementSync;
  readonly #nextDue: StatementSync;
  readonly #depth: StatementSync;
  readonly #readyLanes: StatementSync;
  readonly #release: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      'INSERT INTO jobs (id, lane, priority, state, due, bytes) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING seq',
    );
    this.#contents = db.prepare('INSERT INTO contents (seq, created, remember, payload, body) VALUES (?, ?, ?, ?, ?)');
    this.#isRemembered = db.prepare('SELECT 1 FROM remembered WHERE id = ? AND until > ?');
    this.#remember = db.prepare('INSERT OR REPLACE INTO remembered (id, until) VALUES (?, ?)');
    this.#forget = db.prepare(
      `DELETE FROM remembered WHERE id IN (SELECT id FROM remembered WHERE until <= ? ORDER BY until LIMIT ${mostExpired})`,
    );
    this.#count = db.prepare(
      'INSERT INTO lanes (lane, jobs, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (lane) DO UPDATE SET jobs = jobs + ?2, bytes = bytes + ?3 RETURNING jobs, bytes',
    );
    this.#emptied = db.prepare('DELETE FROM lanes WHERE lane = ? AND jobs = 0');
    this.#due = db.prepare(
      `SELECT seq, id, priority, due, attempt FROM jobs WHERE state = ${ready} AND lane = ? ORDER BY priority DESC, seq LIMIT ?`,
    );
    this.#lease = db.prepare(`UPDATE jobs SET state = ${leased}, attempt = attempt + 1, started = ? WHERE seq = ?`);
    this.#content = db.prepare('SELECT created, remember, payload, body FROM contents WHERE seq = ?');
    this.#find = db.prepare(
      'SELECT seq, lane, priority, due, attempt, bytes, started, billed, cost FROM jobs WHERE id = ?',
    );
    this.#putBack = db.prepare('UPDATE jobs SET state = ?, due = ?, billed = ?, cost = ? WHERE seq = ?');
    this.#remove = db.prepare('DELETE FROM jobs WHERE seq = ?');
    this.#removeContents = db.prepare('DELETE FROM contents WHERE seq = ? RETURNING remember, created');
    this.#promote = db.prepare(
      `UPDATE jobs SET state = ${ready} WHERE seq IN (SELECT seq FROM jobs WHERE state = ${delayed} AND due <= ? ORDER BY due LIMIT ${mostPromoted}) RETURNING lane`,
    );
    this.#nextDue = db.prepare(`SELECT min(due) AS due FROM jobs WHERE state = ${delayed}`);
    this.#depth = db.prepare('SELECT lane, jobs, bytes FROM lanes WHERE jobs > 0 ORDER BY lane');
    this.#readyLanes = db.prepare(
      `SELECT lane FROM lanes WHERE EXISTS (SELECT 1 FROM jobs WHERE jobs.state = ${ready} AND jobs.lane = lanes.lane)`,
    );
    this.#release = db.prepare(`UPDATE jobs SET state = ${ready} WHERE state = ${leased}`);
  }

  /** Whether it is new. Throws `queue-full` when its lane has no room; the caller undoes what it did until then. */
  add(job: Packed<Job>, limits: QueueLimits, nowMs: number): boolean {
    const { id, once } = job;
    if (this.#isRemembered.get(id, nowMs) !== undefined) return false;
    if (once !== undefined && this.#isRemembered.get(once.id, nowMs) !== undefined) return false;
    const isNew = this.put(job, limits, nowMs);
    if (isNew && once !== undefined) this.#remember.run(once.id, once.untilMs);
    return isNew;
  }

  /** The same of a job whose id may be remembered: it is meant to run once more. */
  put(job: Packed<Job>, limits: QueueLimits, nowMs: number): boolean {
    const bytes = job.body.byteLength;
    const state = job.dueMs > nowMs ? delayed : ready;
    const row = this.#insert.get(job.id, job.lane, job.priority, state, job.dueMs, bytes);
    if (row === undefined) return false;
    this.#assertRoom(job, this.#count.get(job.lane, 1, bytes), limits);
    this.#contents.run(Number(row['seq']), job.createdMs, job.rememberMs, job.payload, job.body);
    return true;
  }

  lease(lane: string, most: number, nowMs: number): Packed<LeasedJob>[] {
    return this.#due.all(lane, most).map((row) => {
      const seq = Number(row['seq']);
      this.#lease.run(nowMs, seq);
      return {
        id: String(row['id']),
        lane,
        priority: Number(row['priority']),
        dueMs: Number(row['due']),
        attempt: Number(row['attempt']) + 1,
        ...this.content(seq),
      };
    });
  }

  content(seq: number): Pick<Packed<Job>, 'createdMs' | 'rememberMs' | 'payload' | 'body'> {
    const row = this.#content.get(seq);
    if (row === undefined) throw new TinderboxError('internal', `job ${seq} has lost its contents`);
    return {
      createdMs: Number(row['created']),
      rememberMs: Number(row['remember']),
      payload: String(row['payload']),
      body: row['body'] as Uint8Array,
    };
  }

  find(id: string): JobRow | undefined {
    const row = this.#find.get(id);
    return row === undefined ? undefined : ({ ...row } as unknown as JobRow);
  }

  putBack({ seq }: JobRow, used: CallUsage, atMs: number, nowMs: number): void {
    this.#putBack.run(atMs > nowMs ? delayed : ready, atMs, used.billedMs, used.gbSeconds, seq);
  }

  /** Returns when it was created. */
  remove(id: string, { seq, lane, bytes }: JobRow, nowMs: number): number {
    this.#remove.run(seq);
    const contents = this.#removeContents.get(seq);
    const until = Number(contents?.['remember'] ?? 0);
    if (until > nowMs) this.#remember.run(id, until);
    if (this.#count.get(lane, -1, -bytes)?.['jobs'] === 0) this.#emptied.run(lane);
    return Number(contents?.['created'] ?? 0);
  }

  /** Forgets ids whose time is over, some at a time; returns how many. */
  forget(nowMs: number): number {
    return Number(this.#forget.run(nowMs).changes);
  }

  /** Makes delayed jobs ready whose time has come, some at a time; returns the lanes concerned. */
  promote(nowMs: number): string[] {
    return [...new Set(this.#promote.all(nowMs).map((row) => String(row['lane'])))];
  }

  nextDueMs(): number | undefined {
    const due = this.#nextDue.get()?.['due'];
    return due === null || due === undefined ? undefined : Number(due);
  }

  depth(): LaneDepth[] {
    return this.#depth.all().map((row) => ({
      lane: String(row['lane']),
      jobs: Number(row['jobs']),
      bytes: Number(row['bytes']),
    }));
  }

  readyLanes(): string[] {
    return this.#readyLanes.all().map((row) => String(row['lane']));
  }

  /** What was leased when the process died is handed out again. */
  releaseAll(): void {
    this.#release.run();
  }

  /** `lane` counts the job already. */
  #assertRoom(job: Packed<Job>, lane: Record<string, unknown> | undefined, limits: QueueLimits): void {
    const mostJobs = Math.min(limits.laneJobs, job.laneJobs ?? Number.POSITIVE_INFINITY);
    const [jobs, bytes] = [Number(lane?.['jobs']), Number(lane?.['bytes'])];
    if (jobs > mostJobs) throw laneFull(`${job.lane} has ${jobs - 1} queued calls, the limit is ${mostJobs}`);
    if (bytes > limits.laneBytes) {
      const more = job.body.byteLength;
      throw laneFull(
        `${job.lane} has ${bytes - more} bytes queued, with ${more} more the limit of ${limits.laneBytes} is passed`,
      );
    }
  }
}

/** What the attempts of a job used, this one included. */
export function usageOf({ billed, cost }: JobRow, used: CallUsage | undefined): CallUsage {
  return { billedMs: billed + (used?.billedMs ?? 0), gbSeconds: cost + (used?.gbSeconds ?? 0) };
}

function laneFull(message: string): TinderboxError {
  return new TinderboxError('queue-full', message, { retryAfterMs: 1000 });
}
