import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CallUsage, DeadLetter, FinishedAttempt, Job, JobPayload, LeasedJob } from '../job.ts';
import type { QueueLimits } from '../queue.ts';
import { mostExpired } from './finished-table.ts';
import type { Packed } from './messages.ts';

/** A job that is given up. */
export interface Death {
  readonly job: Packed<LeasedJob>;
  readonly reason: string;
  readonly startedMs: number;
  readonly used: CallUsage;
  readonly last: FinishedAttempt | undefined;
}

const nothing = new Uint8Array();

/** The table of jobs that were given up, with all that is needed to try them again. */
export class DeadTable {
  readonly #insert: StatementSync;
  readonly #trim: StatementSync;
  readonly #count: StatementSync;
  readonly #expire: StatementSync;
  readonly #list: StatementSync;
  readonly #listLane: StatementSync;
  readonly #get: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeLane: StatementSync;

  constructor(db: DatabaseSync) {
    const head = 'id, lane, died, reason, attempt, priority, due, created, payload';
    const end = 'started, billed, cost, status, duration, truncated, response';
    this.#insert = db.prepare(
      `INSERT OR REPLACE INTO dead (${head}, body, ${end}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#trim = db.prepare('DELETE FROM dead WHERE id IN (SELECT id FROM dead ORDER BY died, rowid LIMIT ?)');
    this.#count = db.prepare('SELECT count(*) AS n FROM dead');
    this.#expire = db.prepare(
      `DELETE FROM dead WHERE id IN (SELECT id FROM dead WHERE died <= ? ORDER BY died LIMIT ${mostExpired})`,
    );
    this.#list = db.prepare(`SELECT ${head} FROM dead WHERE died < ? ORDER BY died DESC, id DESC LIMIT ?`);
    this.#listLane = db.prepare(
      `SELECT ${head} FROM dead WHERE lane = ? AND died < ? ORDER BY died DESC, id DESC LIMIT ?`,
    );
    this.#get = db.prepare(`SELECT ${head}, body FROM dead WHERE id = ?`);
    this.#remove = db.prepare('DELETE FROM dead WHERE id = ?');
    this.#removeLane = db.prepare('DELETE FROM dead WHERE lane = ?');
  }

  /** Keeps at most `most`; the oldest go. */
  add({ job, reason, startedMs, used, last }: Death, nowMs: number, most: number): void {
    const { id, lane, attempt, priority, dueMs, createdMs, payload, body } = job;
    const { status = 0, durationMs = 0, truncated = false, response = nothing } = last ?? {};
    const head = [id, lane, nowMs, reason, attempt, priority, dueMs, createdMs, payload, body] as const;
    const { billedMs, gbSeconds } = used;
    this.#insert.run(...head, startedMs, billedMs, gbSeconds, status, durationMs, truncated ? 1 : 0, response);
    const over = Number(this.#count.get()?.['n']) - most;
    if (over > 0) this.#trim.run(over);
  }

  /** Removes what is older than it may be, the oldest first; returns how many. */
  expire({ nowMs, limits }: { readonly nowMs: number; readonly limits: QueueLimits }): number {
    return Number(this.#expire.run(nowMs - limits.deadLettersMs).changes);
  }

  list(lane: string | undefined, limit: number, beforeMs: number): DeadLetter[] {
    const rows = lane === undefined ? this.#list.all(beforeMs, limit) : this.#listLane.all(lane, beforeMs, limit);
    return rows.map((row) => letterFrom(row));
  }

  get(id: string): DeadLetter | undefined {
    const row = this.#get.get(id);
    return row === undefined ? undefined : letterFrom(row);
  }

  remove(id: string): number {
    return Number(this.#remove.run(id).changes);
  }

  removeLane(lane: string): number {
    return Number(this.#removeLane.run(lane).changes);
  }
}

/** A dead letter as a new job, due at once; its age counts from now. */
export function jobFromLetter(letter: DeadLetter, nowMs: number): Job {
  const { id, lane, priority, createdMs, body } = letter;
  const payload = { ...letter.payload, sinceMs: nowMs };
  return { id, lane, priority, dueMs: nowMs, createdMs, rememberMs: 0, payload, body };
}

function letterFrom(row: Record<string, unknown>): DeadLetter {
  return {
    id: String(row['id']),
    lane: String(row['lane']),
    priority: Number(row['priority']),
    dueMs: Number(row['due']),
    createdMs: Number(row['created']),
    attempt: Number(row['attempt']),
    payload: JSON.parse(String(row['payload'])) as JobPayload,
    body: (row['body'] as Uint8Array | undefined) ?? new Uint8Array(),
    diedMs: Number(row['died']),
    reason: String(row['reason']),
  };
}
