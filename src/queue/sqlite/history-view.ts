import type { InvocationState } from '../../model/invocation-status.ts';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CallView, FinishedAttempt } from '../job.ts';

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
    if (dead !== undefined) return viewOfDead(dead, true);
    const [over] = this.#all(`${finished} WHERE id = ? ORDER BY seq DESC LIMIT 1`, id);
    return over === undefined ? undefined : viewOfFinished(over, true);
  }

  list(lane: string | undefined, states: readonly InvocationState[], limit: number): CallView[] {
    const views = [
      ...waiting.flatMap((state, number) => (states.includes(state) ? this.#jobsIn(number, lane, limit) : [])),
      ...(states.includes('dead')
        ? this.#newest(letters, 'died', lane, limit).map((row) => viewOfDead(row, false))
        : []),
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
const ending = 'created, started, billed, cost, status, duration, truncated, response';
const letters = `SELECT id, lane, died, reason, attempt, ${ending} FROM dead`;
const finished = `SELECT id, lane, state, finished, attempts, ${ending} FROM finished`;

/** What all calls have, however far they came. */
function partOf(row: Row, attempts: unknown): Pick<CallView, 'startedMs' | 'attempts' | 'createdMs' | 'used'> {
  const startedMs = Number(row['started']);
  return {
    createdMs: Number(row['created']),
    ...(startedMs === 0 ? {} : { startedMs }),
    attempts: Number(attempts),
    used: { billedMs: Number(row['billed']), gbSeconds: Number(row['cost']) },
  };
}

/** The last attempt; its answer only for a call that is asked for alone. */
function lastOf(row: Row, whole: boolean): FinishedAttempt {
  return {
    status: Number(row['status']),
    durationMs: Number(row['duration']),
    response: whole ? (row['response'] as Uint8Array) : new Uint8Array(),
    truncated: Number(row['truncated']) === 1,
  };
}

function viewOfJob(row: Row): CallView {
  return {
    id: String(row['id']),
    lane: String(row['lane']),
    state: waiting[Number(row['state'])] ?? 'queued',
    dueMs: Number(row['due']),
    ...partOf(row, row['attempt']),
  };
}

function viewOfDead(row: Row, whole: boolean): CallView {
  const view = {
    id: String(row['id']),
    lane: String(row['lane']),
    state: 'dead',
    finishedMs: Number(row['died']),
    reason: String(row['reason']),
    ...partOf(row, row['attempt']),
  } as const;
  return Number(row['status']) === 0 ? view : { ...view, last: lastOf(row, whole) };
}

function viewOfFinished(row: Row, whole: boolean): CallView {
  const view = {
    id: String(row['id']),
    lane: String(row['lane']),
    state: row['state'] === 'canceled' ? 'canceled' : 'done',
    finishedMs: Number(row['finished']),
    ...partOf(row, row['attempts']),
  } as const;
  return view.state === 'canceled' ? view : { ...view, last: lastOf(row, whole) };
}
