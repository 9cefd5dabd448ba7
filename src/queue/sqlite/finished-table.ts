import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CallView } from '../job.ts';

/** How many rows may be over the bound before they are removed, so that not every call pays for a removal. */
const slack = 256;

/** The table of calls that are over, the newest of them. */
export class FinishedTable {
  readonly #insert: StatementSync;
  readonly #trim: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      'INSERT INTO finished (id, lane, state, created, finished, attempts, status, duration, truncated, response) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#trim = db.prepare('DELETE FROM finished WHERE seq <= ?');
  }

  /** Keeps about `most`; the oldest go. */
  add({ id, lane, state, createdMs, finishedMs = 0, attempts, last }: CallView, most: number): void {
    const response = last?.response ?? new Uint8Array();
    const { status = 0, durationMs = 0, truncated = false } = last ?? {};
    const cut = truncated ? 1 : 0;
    const { lastInsertRowid } = this.#insert.run(
      id,
      lane,
      state,
      createdMs,
      finishedMs,
      attempts,
      status,
      durationMs,
      cut,
      response,
    );
    const seq = Number(lastInsertRowid);
    if (seq % slack === 0 || most < slack) this.#trim.run(seq - most);
  }
}
