import { type ResourceLimits, Worker } from 'node:worker_threads';
import { compileCacheEnvironment } from '../../model/compile-cache.ts';
import { TinderboxError } from '../../model/errors.ts';
import { closedError } from '../entry-rules.ts';
import type { Failed } from './batch-runner.ts';
import type { Request, Response } from './serve-batches.ts';
import { errorFrom } from './sqlite-failure.ts';

export interface BatchThreadOptions<Operation, Answer> {
  /** Module that calls `serveBatches`. */
  readonly module: URL;
  /** The database file, made (0600) when absent; its folder must exist. */
  readonly file: string;
  /** For messages and debuggers. */
  readonly name: string;
  readonly limits: ResourceLimits;
  /** Hears of every batch after its commit, before anybody who asked does. */
  readonly committed?: (operations: readonly Operation[], answers: readonly (Answer | Failed)[]) => void;
  /** The thread is gone; no operation is answered any more. */
  readonly ended?: () => void;
}

/** A database in a thread of its own, so that no fsync stands in the way of a call. */
export interface BatchThread<Operation, Answer> {
  /** Resolves when the operation is on disk. Rejects with what the operation failed with. */
  ask(operation: Operation): Promise<Answer>;
  /** Finishes what was asked, then lets go. Idempotent. */
  close(): Promise<void>;
}

/** Rejects with `config` (damaged, not ours, newer schema, not writable), `conflict` (open elsewhere) or `disk-full`. */
export async function openBatchThread<Operation, Answer extends object>(
  options: BatchThreadOptions<Operation, Answer>,
): Promise<BatchThread<Operation, Answer>> {
  const worker = new Worker(options.module, {
    workerData: options.file,
    resourceLimits: options.limits,
    env: compileCacheEnvironment(),
    name: options.name,
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.once('error', reject);
  worker.once('message', (response: Response<Answer>) => {
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
  return new WorkerThread(worker, options);
}

interface Pending<Operation, Answer> {
  readonly operation: Operation;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: TinderboxError) => void;
}

/**
 * Owns what waits in front of the worker; the worker owns the database.
 *
 * 1. One batch is out at a time; what arrives meanwhile goes out together as the next (group commit).
 * 2. Operations run in the order they were called in, so a read sees the write called before it.
 * 3. `committed` hears of a batch after its commit, in commit order, before the promises resolve.
 * 4. After the worker is gone every operation rejects, none hangs.
 */
class WorkerThread<Operation, Answer extends object> implements BatchThread<Operation, Answer> {
  readonly #worker: Worker;
  readonly #options: BatchThreadOptions<Operation, Answer>;
  readonly #ended = Promise.withResolvers<void>();
  #waiting: Pending<Operation, Answer>[] = [];
  #running: Pending<Operation, Answer>[] = [];
  #scheduled = false;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #lost: TinderboxError | undefined;

  constructor(worker: Worker, options: BatchThreadOptions<Operation, Answer>) {
    this.#worker = worker;
    this.#options = options;
    worker.on('message', (response: Response<Answer>) => this.#onResponse(response));
    worker.on('error', (cause) => this.#lose(cause));
    worker.on('exit', () => this.#lose(undefined));
  }

  ask(operation: Operation): Promise<Answer> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    if (this.#state !== 'open') return Promise.reject(closedError());
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push({ operation, resolve, reject });
    this.#schedule();
    return promise;
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#schedule();
    }
    await this.#ended.promise;
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

  #post(request: Request<Operation>): void {
    this.#worker.postMessage(request);
  }

  #onResponse(response: Response<Answer>): void {
    if (typeof response === 'string' || 'opened' in response) return;
    const done = this.#running;
    this.#running = [];
    const { answers } = response;
    this.#send();
    this.#options.committed?.(
      done.map(({ operation }) => operation),
      answers,
    );
    done.forEach(({ resolve, reject }, i) => {
      const answer = answers[i];
      if (answer === undefined) reject(unexpected(this.#options.name));
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
      : new TinderboxError('internal', `the thread of the database ${this.#options.file} ended`, { cause });
    this.#state = 'closed';
    for (const { reject } of [...this.#running, ...this.#waiting]) reject(this.#lost);
    this.#running = [];
    this.#waiting = [];
    this.#options.ended?.();
    this.#ended.resolve();
  }
}

function unexpected(name: string): TinderboxError {
  return new TinderboxError('internal', `the ${name} answered something else than it was asked`);
}
