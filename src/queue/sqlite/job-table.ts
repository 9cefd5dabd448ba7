import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TinderboxError } from '../../model/errors.ts';
import type { CallUsage, Job, JobPayload, LeasedJob } from '../job.ts';
import type { LaneDepth, QueueLimits } from '../queue.ts';

const [ready, delayed, leased] = [0, 1, 2];

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
  readonly #laneOf: StatementSync;
  readonly #count: StatementSync;
  readonly #emptied: StatementSync;
  readonly #due: StatementSync;
  readonly #lease: StatementSync;
  readonly #content: StatementSync;
  readonly #created: StatementSync;
  readonly #find: StatementSync;
  readonly #putBack: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeContents: StatementSync;
  readonly #promotable: StatementSync;
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
    this.#forget = db.prepare('DELETE FROM remembered WHERE until <= ?');
    this.#laneOf = db.prepare('SELECT jobs, bytes FROM lanes WHERE lane = ?');
    this.#count = db.prepare(
      'INSERT INTO lanes (lane, jobs, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (lane) DO UPDATE SET jobs = jobs + ?2, bytes = bytes + ?3',
    );
    this.#emptied = db.prepare('DELETE FROM lanes WHERE lane = ? AND jobs = 0');
    this.#due = db.prepare(
      `SELECT seq, id, priority, due, attempt FROM jobs WHERE state = ${ready} AND lane = ? ORDER BY priority DESC, seq LIMIT ?`,
    );
    this.#lease = db.prepare(`UPDATE jobs SET state = ${leased}, attempt = attempt + 1, started = ? WHERE seq = ?`);
    this.#content = db.prepare('SELECT created, remember, payload, body FROM contents WHERE seq = ?');
    this.#created = db.prepare('SELECT created FROM contents WHERE seq = ?');
    this.#find = db.prepare(
      'SELECT seq, lane, priority, due, attempt, bytes, started, billed, cost FROM jobs WHERE id = ?',
    );
    this.#putBack = db.prepare('UPDATE jobs SET state = ?, due = ?, billed = ?, cost = ? WHERE seq = ?');
    this.#remove = db.prepare('DELETE FROM jobs WHERE seq = ?');
    this.#removeContents = db.prepare('DELETE FROM contents WHERE seq = ? RETURNING remember');
    this.#promotable = db.prepare(`SELECT DISTINCT lane FROM jobs WHERE state = ${delayed} AND due <= ?`);
    this.#promote = db.prepare(`UPDATE jobs SET state = ${ready} WHERE state = ${delayed} AND due <= ?`);
    this.#nextDue = db.prepare(`SELECT min(due) AS due FROM jobs WHERE state = ${delayed}`);
    this.#depth = db.prepare('SELECT lane, jobs, bytes FROM lanes WHERE jobs > 0 ORDER BY lane');
    this.#readyLanes = db.prepare(
      `SELECT lane FROM lanes WHERE EXISTS (SELECT 1 FROM jobs WHERE jobs.state = ${ready} AND jobs.lane = lanes.lane)`,
    );
    this.#release = db.prepare(`UPDATE jobs SET state = ${ready} WHERE state = ${leased}`);
  }

  /** Whether it is new. Throws `queue-full` when its lane has no room. */
  add(job: Job, limits: QueueLimits, nowMs: number): boolean {
    if (this.#isRemembered.get(job.id, nowMs) !== undefined) return false;
    const bytes = job.body.byteLength;
    const state = job.dueMs > nowMs ? delayed : ready;
    const row = this.#insert.get(job.id, job.lane, job.priority, state, job.dueMs, bytes);
    if (row === undefined) return false;
    this.#assertRoom(job, bytes, limits);
    this.#contents.run(Number(row['seq']), job.createdMs, job.rememberMs, JSON.stringify(job.payload), job.body);
    this.#count.run(job.lane, 1, bytes);
    return true;
  }

  lease(lane: string, most: number, nowMs: number): LeasedJob[] {
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

  content(seq: number): Pick<Job, 'createdMs' | 'rememberMs' | 'payload' | 'body'> {
    const row = this.#content.get(seq);
    if (row === undefined) throw new TinderboxError('internal', `job ${seq} has lost its contents`);
    return {
      createdMs: Number(row['created']),
      rememberMs: Number(row['remember']),
      payload: JSON.parse(String(row['payload'])) as JobPayload,
      body: row['body'] as Uint8Array,
    };
  }

  createdMs({ seq }: JobRow): number {
    return Number(this.#created.get(seq)?.['created']);
  }

  find(id: string): JobRow | undefined {
    const row = this.#find.get(id);
    return row === undefined ? undefined : ({ ...row } as unknown as JobRow);
  }

  putBack({ seq }: JobRow, used: CallUsage, atMs: number, nowMs: number): void {
    this.#putBack.run(atMs > nowMs ? delayed : ready, atMs, used.billedMs, used.gbSeconds, seq);
  }

  remove(id: string, { seq, lane, bytes }: JobRow, nowMs: number): void {
    this.#remove.run(seq);
    const until = Number(this.#removeContents.get(seq)?.['remember'] ?? 0);
    if (until > nowMs) this.#remember.run(id, until);
    this.#count.run(lane, -1, -bytes);
    this.#emptied.run(lane);
  }

  /** Makes delayed jobs ready whose time has come, and forgets ids whose time is over; returns the lanes concerned. */
  promote(nowMs: number): string[] {
    this.#forget.run(nowMs);
    const lanes = this.#promotable.all(nowMs).map((row) => String(row['lane']));
    if (lanes.length > 0) this.#promote.run(nowMs);
    return lanes;
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

  #assertRoom({ lane, laneJobs }: Job, bytes: number, limits: QueueLimits): void {
    const mostJobs = Math.min(limits.laneJobs, laneJobs ?? Number.POSITIVE_INFINITY);
    const found = this.#laneOf.get(lane);
    const jobs = Number(found?.['jobs'] ?? 0);
    const stored = Number(found?.['bytes'] ?? 0);
    if (jobs + 1 > mostJobs) throw laneFull(`${lane} has ${jobs} queued calls, the limit is ${mostJobs}`);
    if (stored + bytes > limits.laneBytes) {
      throw laneFull(
        `${lane} has ${stored} bytes queued, with ${bytes} more the limit of ${limits.laneBytes} is passed`,
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
