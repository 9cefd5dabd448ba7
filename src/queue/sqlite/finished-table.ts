import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CallUsage, FinishedAttempt } from '../job.ts';
import type { QueueLimits } from '../queue.ts';

/** A call that is over, as it is kept. Times are Unix time in ms; a start of 0: it never began. */
export interface FinishedCall {
  readonly id: string;
  readonly lane: string;
  readonly state: 'done' | 'canceled';
  readonly createdMs: number;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly attempts: number;
  readonly used: CallUsage;
  readonly last?: FinishedAttempt | undefined;
}

/** How many rows may be over the bound before they are removed, so that not every call pays for a removal. */
const slack = 256;
/** Rows one expiry removes at most: it must not hold up calls. */
export const mostExpired = 1000;

const nothing = new Uint8Array();

/** The table of calls that are over, the newest of them. */
export class FinishedTable {
  readonly #insert: StatementSync;
  readonly #trim: StatementSync;
  readonly #expire: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      'INSERT INTO finished (id, lane, state, created, started, finished, attempts, billed, cost, status, duration, truncated, response) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#trim = db.prepare('DELETE FROM finished WHERE seq <= ?');
    // Calls are noted in the order they end, so the oldest stand first.
    this.#expire = db.prepare(
      `DELETE FROM finished WHERE seq IN (SELECT seq FROM finished ORDER BY seq LIMIT ${mostExpired}) AND finished <= ?`,
    );
  }

  /** Keeps about `most`; the oldest go. */
  add(call: FinishedCall, most: number): void {
    const { id, lane, state, createdMs, startedMs, finishedMs, attempts, used, last } = call;
    const { status = 0, durationMs = 0, truncated = false, response = nothing } = last ?? {};
    const { lastInsertRowid } = this.#insert.run(
      id,
      lane,
      state,
      createdMs,
      startedMs,
      finishedMs,
      attempts,
      used.billedMs,
      used.gbSeconds,
      status,
      durationMs,
      truncated ? 1 : 0,
      response,
    );
    const seq = Number(lastInsertRowid);
    if (seq % slack === 0 || most < slack) this.#trim.run(seq - most);
  }

  /** Removes what is older than it may be, the oldest first; returns how many. */
  expire({ nowMs, limits }: { readonly nowMs: number; readonly limits: QueueLimits }): number {
    return Number(this.#expire.run(nowMs - limits.historyMs).changes);
  }
}
