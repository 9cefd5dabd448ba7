import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { DeadLetter, Job, JobPayload, LeasedJob } from '../job.ts';

/** The table of jobs that were given up, with all that is needed to try them again. */
export class DeadTable {
  readonly #insert: StatementSync;
  readonly #trim: StatementSync;
  readonly #list: StatementSync;
  readonly #listLane: StatementSync;
  readonly #get: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeLane: StatementSync;

  constructor(db: DatabaseSync) {
    const head = 'id, lane, died, reason, attempt, priority, due, created, payload';
    this.#insert = db.prepare(`INSERT OR REPLACE INTO dead (${head}, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#trim = db.prepare(
      'DELETE FROM dead WHERE id IN (SELECT id FROM dead ORDER BY died DESC, id DESC LIMIT -1 OFFSET ?)',
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
  add(job: LeasedJob, reason: string, nowMs: number, most: number): void {
    const { id, lane, attempt, priority, dueMs, createdMs, payload, body } = job;
    const text = JSON.stringify(payload);
    this.#insert.run(id, lane, nowMs, reason, attempt, priority, dueMs, createdMs, text, body);
    this.#trim.run(most);
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

/** A dead letter as a new job, due at once. */
export function jobFromLetter(letter: DeadLetter, nowMs: number): Job {
  const { id, lane, priority, createdMs, payload, body } = letter;
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
