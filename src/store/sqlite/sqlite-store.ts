import { TinderboxError } from '../../model/errors.ts';
import { assertKey, formatValue } from '../entry-rules.ts';
import type { Change, Entry, Store } from '../store.ts';
import { createWatchers, type Watchers } from '../watchers.ts';
import type { Failed } from './batch-runner.ts';
import { type BatchThread, openBatchThread } from './batch-thread.ts';
import type { Answer, Operation, Row, SqliteSettings } from './messages.ts';

export interface SqliteStoreOptions {
  /** The database file, made (0600) when absent; its folder must exist. */
  readonly file: string;
}

export interface SqliteStore extends Store {
  /** The pragmas of the connection that acknowledges writes. */
  settings(): Promise<SqliteSettings>;
}

/** Cap for a list of everything; what the worker really uses is a few MiB. */
const workerLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

/**
 * Opens the store on one SQLite file, in a worker thread. Rejects with `config` (damaged, not ours, newer schema, not
 * writable), `conflict` (open elsewhere) or `disk-full`.
 */
export async function createSqliteStore({ file }: SqliteStoreOptions): Promise<SqliteStore> {
  const watchers = createWatchers();
  const thread = await openBatchThread<Operation, Answer>({
    module: workerUrl(),
    file,
    name: 'store',
    limits: workerLimits,
    committed: (operations, answers) =>
      watchers.tell(operations.flatMap((operation, i) => changeFrom(operation, answers[i]))),
    ended: () => watchers.clear(),
  });
  return new ThreadStore(thread, watchers);
}

/** The worker is .ts when run from source and .js when compiled, like this module. */
function workerUrl(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('./worker.ts', import.meta.url)
    : new URL('./worker.js', import.meta.url);
}

class ThreadStore implements SqliteStore {
  readonly #thread: BatchThread<Operation, Answer>;
  readonly #watchers: Watchers;

  constructor(thread: BatchThread<Operation, Answer>, watchers: Watchers) {
    this.#thread = thread;
    this.#watchers = watchers;
  }

  async get(key: string): Promise<Entry | undefined> {
    assertKey(key);
    const row = rowsOf(await this.#thread.ask({ kind: 'get', key }))[0];
    return row === undefined ? undefined : entryFromRow(row);
  }

  async put(key: string, value: unknown, expected?: number): Promise<number> {
    assertKey(key);
    return writtenOf(await this.#thread.ask({ kind: 'put', key, text: formatValue(key, value), expected }));
  }

  async delete(key: string, expected?: number): Promise<boolean> {
    assertKey(key);
    return writtenOf(await this.#thread.ask({ kind: 'delete', key, expected })) > 0;
  }

  async list(prefix: string): Promise<readonly Entry[]> {
    return rowsOf(await this.#thread.ask({ kind: 'list', key: prefix })).map(entryFromRow);
  }

  watch(prefix: string, listener: (change: Change) => void): () => void {
    return this.#watchers.add(prefix, listener);
  }

  async settings(): Promise<SqliteSettings> {
    const answer = await this.#thread.ask({ kind: 'settings', key: '' });
    if (!('settings' in answer)) throw unexpected();
    return answer.settings;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

function entryFromRow(row: Row): Entry {
  return { key: row.key, value: JSON.parse(row.text), version: row.version };
}

function changeFrom(operation: Operation, answer: Answer | Failed | undefined): Change[] {
  if (answer === undefined || !('written' in answer) || answer.written === 0) return [];
  const { key } = operation;
  const value: unknown = operation.kind === 'put' ? JSON.parse(operation.text) : undefined;
  return [{ key, value, version: answer.written }];
}

function rowsOf(answer: Answer): readonly Row[] {
  if (!('rows' in answer)) throw unexpected();
  return answer.rows;
}

function writtenOf(answer: Answer): number {
  if (!('written' in answer)) throw unexpected();
  return answer.written;
}

function unexpected(): TinderboxError {
  return new TinderboxError('internal', 'the store answered something else than it was asked');
}
