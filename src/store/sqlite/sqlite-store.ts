import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { TinderboxError } from '../../model/errors.ts';
import { assertKey, closedError, formatValue } from '../entry-rules.ts';
import type { Change, Entry, Store } from '../store.ts';
import { createWatchers } from '../watchers.ts';
import type { Answer, Operation, Request, Response, Row, SqliteSettings } from './messages.ts';
import { errorFrom } from './sqlite-failure.ts';

export interface SqliteStoreOptions {
  /** The database file, made (0600) when absent; its folder must exist. */
  readonly file: string;
}

export interface SqliteStore extends Store {
  /** The pragmas of the connection that acknowledges writes. */
  settings(): Promise<SqliteSettings>;
}

interface Pending {
  readonly operation: Operation;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: TinderboxError) => void;
}

/** Cap for a list of everything; what the worker really uses is a few MiB. */
const workerLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

/**
 * Opens the store on one SQLite file, in a worker thread, so that no fsync stands in the way of a call.
 * Rejects with `config` (damaged, not ours, newer schema, not writable), `conflict` (open elsewhere) or `disk-full`.
 */
export async function createSqliteStore({ file }: SqliteStoreOptions): Promise<SqliteStore> {
  const worker = new Worker(workerUrl(), {
    workerData: file,
    resourceLimits: workerLimits,
    env: workerEnvironment(),
    name: 'store',
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.once('error', reject);
  worker.once('message', (response: Response) => {
    if (typeof response === 'object' && 'opened' in response && response.opened !== undefined) {
      reject(errorFrom(response.opened));
    } else resolve();
  });
  try {
    await promise;
  } catch (error) {
    await worker.terminate();
    throw TinderboxError.from(error);
  }
  worker.removeListener('error', reject);
  return new WorkerStore(worker, file);
}

/** The worker is .ts when run from source and .js when compiled, like this module. */
function workerUrl(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('./worker.ts', import.meta.url)
    : new URL('./worker.js', import.meta.url);
}

/** With the process's compile cache the worker need not strip types anew: 15 MiB less when run from source. */
function workerEnvironment(): Record<string, string> {
  const cache = getCompileCacheDir();
  return cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) };
}

/**
 * Owns the queue in front of the worker, and the watchers; the worker owns the database.
 *
 * 1. One batch is out at a time; what arrives meanwhile goes out together as the next (group commit).
 * 2. Operations run in the order they were called in, so a get sees the put called before it.
 * 3. Watchers hear of a change after its commit, in commit order, before the writer's promise resolves.
 * 4. After the worker is gone every operation rejects, none hangs.
 */
class WorkerStore implements SqliteStore {
  readonly #worker: Worker;
  readonly #file: string;
  readonly #watchers = createWatchers();
  readonly #ended = Promise.withResolvers<void>();
  #waiting: Pending[] = [];
  #running: Pending[] = [];
  #scheduled = false;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #lost: TinderboxError | undefined;

  constructor(worker: Worker, file: string) {
    this.#worker = worker;
    this.#file = file;
    worker.on('message', (response: Response) => this.#onResponse(response));
    worker.on('error', (cause) => this.#lose(cause));
    worker.on('exit', () => this.#lose(undefined));
  }

  async get(key: string): Promise<Entry | undefined> {
    assertKey(key);
    const row = rowsOf(await this.#ask({ kind: 'get', key }))[0];
    return row === undefined ? undefined : entryFromRow(row);
  }

  async put(key: string, value: unknown, expected?: number): Promise<number> {
    assertKey(key);
    return writtenOf(await this.#ask({ kind: 'put', key, text: formatValue(key, value), expected }));
  }

  async delete(key: string, expected?: number): Promise<boolean> {
    assertKey(key);
    return writtenOf(await this.#ask({ kind: 'delete', key, expected })) > 0;
  }

  async list(prefix: string): Promise<readonly Entry[]> {
    return rowsOf(await this.#ask({ kind: 'list', key: prefix })).map(entryFromRow);
  }

  watch(prefix: string, listener: (change: Change) => void): () => void {
    return this.#watchers.add(prefix, listener);
  }

  async settings(): Promise<SqliteSettings> {
    const answer = await this.#ask({ kind: 'settings', key: '' });
    if (!('settings' in answer)) throw unexpected();
    return answer.settings;
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#schedule();
    }
    await this.#ended.promise;
  }

  #ask(operation: Operation): Promise<Answer> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    if (this.#state !== 'open') return Promise.reject(closedError());
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push({ operation, resolve, reject });
    this.#schedule();
    return promise;
  }

  /** Waits for the end of the tick: what one tick writes is one transaction. */
  #schedule(): void {
    if (this.#scheduled || this.#running.length > 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#lost !== undefined || this.#running.length > 0) return;
    if (this.#waiting.length > 0) {
      this.#running = this.#waiting;
      this.#waiting = [];
      this.#post({ batch: this.#running.map(({ operation }) => operation) });
    } else if (this.#state === 'closing') {
      this.#post('close');
    }
  }

  #post(request: Request): void {
    this.#worker.postMessage(request);
  }

  #onResponse(response: Response): void {
    if (typeof response === 'string' || 'opened' in response) return;
    const done = this.#running;
    this.#running = [];
    const { answers } = response;
    this.#send();
    this.#watchers.tell(done.flatMap(({ operation }, i) => changeFrom(operation, answers[i])));
    done.forEach(({ resolve, reject }, i) => {
      const answer = answers[i];
      if (answer === undefined) reject(unexpected());
      else if ('failure' in answer) reject(errorFrom(answer.failure));
      else resolve(answer);
    });
  }

  /** The thread ended: as asked, or by an error no operation may outlive. */
  #lose(cause: unknown): void {
    if (this.#lost !== undefined) return;
    const asked = this.#state !== 'open' && cause === undefined;
    this.#lost = asked
      ? closedError()
      : new TinderboxError('internal', `the thread of the database ${this.#file} ended`, { cause });
    this.#state = 'closed';
    for (const { reject } of [...this.#running, ...this.#waiting]) reject(this.#lost);
    this.#running = [];
    this.#waiting = [];
    this.#watchers.clear();
    this.#ended.resolve();
  }
}

function entryFromRow(row: Row): Entry {
  return { key: row.key, value: JSON.parse(row.text), version: row.version };
}

function changeFrom(operation: Operation, answer: Answer | undefined): Change[] {
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
