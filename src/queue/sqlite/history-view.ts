import type { InvocationState } from '../../model/invocation-status.ts';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CallView } from '../job.ts';

type Row = Record<string, unknown>;

/** States of `jobs.state`, by number. */
const waiting = ['queued', 'delayed', 'running'] as const;

/** All calls the tables hold, in one shape: those that wait or run, those that were given up, those that are over. */
export class HistoryView {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  get(id: string): CallView | undefined {
    const [row] = this.#all(`SELECT *, ${columns} FROM jobs AS listed WHERE id = ?`, id);
    if (row !== undefined) return viewOfJob(row);
    const [dead] = this.#all(`${letters} WHERE id = ?`, id);
    if (dead !== undefined) return viewOfDead(dead);
    const [over] = this.#all(`${finished} WHERE id = ? ORDER BY seq DESC LIMIT 1`, id);
    return over === undefined ? undefined : viewOfFinished(over, true);
  }

  list(lane: string | undefined, states: readonly InvocationState[], limit: number): CallView[] {
    const views = [
      ...waiting.flatMap((state, number) => (states.includes(state) ? this.#jobsIn(number, lane, limit) : [])),
      ...(states.includes('dead') ? this.#newest(letters, 'died', lane, limit).map(viewOfDead) : []),
      ...(['done', 'canceled'] as const).flatMap((state) =>
        states.includes(state) ? this.#over(state, lane, limit) : [],
      ),
    ];
    return views.sort((a, b) => b.createdMs - a.createdMs).slice(0, limit);
  }

  #jobsIn(state: number, lane: string | undefined, limit: number): CallView[] {
    const within = state === running ? allRunning : newestJobs;
    const rows =
      lane === undefined
        ? this.#all(`${within} WHERE state = ${state} ORDER BY seq DESC LIMIT ?`, limit)
        : this.#all(`${within} WHERE state = ${state} AND lane = ? ORDER BY seq DESC LIMIT ?`, lane, limit);
    return rows.map(viewOfJob);
  }

  #over(state: 'done' | 'canceled', lane: string | undefined, limit: number): CallView[] {
    const rows =
      lane === undefined
        ? this.#all(`${finished} WHERE state = ? ORDER BY seq DESC LIMIT ?`, state, limit)
        : this.#all(`${finished} WHERE state = ? AND lane = ? ORDER BY seq DESC LIMIT ?`, state, lane, limit);
    return rows.map((row) => viewOfFinished(row, false));
  }

  #newest(from: string, order: string, lane: string | undefined, limit: number): Row[] {
    if (lane === undefined) return this.#all(`${from} ORDER BY ${order} DESC LIMIT ?`, limit);
    return this.#all(`${from} WHERE lane = ? ORDER BY ${order} DESC LIMIT ?`, lane, limit);
  }

  /** The text is one of a few written above, never made of what somebody sent. */
  #all(text: string, ...values: (string | number)[]): Row[] {
    const statement = this.#statements.get(text) ?? this.#db.prepare(text);
    this.#statements.set(text, statement);
    return statement.all(...values);
  }
}

const running = waiting.indexOf('running');
/** Of a backlog, only this many are looked through for those that wait: a list must not hold up calls. */
const lookedThrough = 10_000;
const columns = '(SELECT created FROM contents WHERE contents.seq = listed.seq) AS created';
const allRunning = `SELECT *, ${columns} FROM (SELECT * FROM jobs WHERE state = ${running}) AS listed`;
const newestJobs = `SELECT *, ${columns} FROM (SELECT * FROM jobs ORDER BY seq DESC LIMIT ${lookedThrough}) AS listed`;
const letters = 'SELECT id, lane, died, reason, attempt, created FROM dead';
const finished =
  'SELECT id, lane, state, created, finished, attempts, status, duration, truncated, response FROM finished';

function viewOfJob(row: Row): CallView {
  return {
    id: String(row['id']),
    lane: String(row['lane']),
    state: waiting[Number(row['state'])] ?? 'queued',
    createdMs: Number(row['created']),
    dueMs: Number(row['due']),
    attempts: Number(row['attempt']),
  };
}

function viewOfDead(row: Row): CallView {
  return {
    id: String(row['id']),
    lane: String(row['lane']),
    state: 'dead',
    createdMs: Number(row['created']),
    finishedMs: Number(row['died']),
    attempts: Number(row['attempt']),
    reason: String(row['reason']),
  };
}

function viewOfFinished(row: Row, whole: boolean): CallView {
  const view = {
    id: String(row['id']),
    lane: String(row['lane']),
    state: row['state'] === 'canceled' ? 'canceled' : 'done',
    createdMs: Number(row['created']),
    finishedMs: Number(row['finished']),
    attempts: Number(row['attempts']),
  } as const;
  if (view.state === 'canceled') return view;
  const response = whole ? (row['response'] as Uint8Array) : new Uint8Array();
  const truncated = Number(row['truncated']) === 1;
  return { ...view, last: { status: Number(row['status']), durationMs: Number(row['duration']), response, truncated } };
}
