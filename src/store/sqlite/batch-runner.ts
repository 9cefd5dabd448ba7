import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TinderboxError } from '../../model/errors.ts';
import { type Failure, failureFrom } from './sqlite-failure.ts';

/** An operation that did not happen, and why. */
export interface Failed {
  readonly failure: Failure;
}

/** What one database can be asked; runs inside the thread that owns the database, and again when it was undone. */
export interface Operations<Operation, Answer> {
  /** Whether it changes something and so needs a transaction. */
  readonly isWrite: (operation: Operation) => boolean;
  /** Throws a TinderboxError to undo this operation alone; anything else loses the transaction. */
  readonly perform: (operation: Operation) => Answer;
}

/** Runs operations in order. All answers are given after the commit; see the invariants at {@link BatchRunner}. */
export interface Batches<Operation, Answer> {
  run(batch: readonly Operation[]): (Answer | Failed)[];
}

export function createBatches<Operation, Answer>(
  db: DatabaseSync,
  file: string,
  operations: Operations<Operation, Answer>,
): Batches<Operation, Answer> {
  return new BatchRunner(db, file, operations);
}

/**
 * Owns the transaction and the savepoints; knows nothing of threads, or of what the operations do.
 *
 * 1. A write is answered with success only after the COMMIT that holds it returned.
 * 2. A write that fails alone (conflict) leaves its neighbours in the batch as they are.
 * 3. A savepoint copies every page before it is changed, and hardly any write fails alone: a batch runs without them, and
 *    once more with them when one did.
 * 4. When the transaction as a whole fails (disk full), each operation is tried again on its own, so that one large
 *    value does not take small ones with it.
 */
class BatchRunner<Operation, Answer> implements Batches<Operation, Answer> {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #operations: Operations<Operation, Answer>;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;

  constructor(db: DatabaseSync, file: string, operations: Operations<Operation, Answer>) {
    this.#db = db;
    this.#file = file;
    this.#operations = operations;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#end = db.prepare('COMMIT');
    this.#savepoint = db.prepare('SAVEPOINT one');
    this.#release = db.prepare('RELEASE one');
  }

  run(batch: readonly Operation[]): (Answer | Failed)[] {
    const { isWrite, perform } = this.#operations;
    if (!batch.some(isWrite)) return batch.map((operation) => this.#attempt(operation));
    try {
      return this.#commit(batch, perform);
    } catch (error) {
      this.#undo();
      if (batch.length === 1) return [{ failure: failureFrom(error, this.#file) }];
      if (error instanceof TinderboxError) return this.#runGuarded(batch);
      return batch.flatMap((operation) => this.run([operation]));
    }
  }

  /** For a batch one of which is to be undone alone. */
  #runGuarded(batch: readonly Operation[]): (Answer | Failed)[] {
    const { isWrite, perform } = this.#operations;
    try {
      return this.#commit(batch, (operation) => (isWrite(operation) ? this.#guarded(operation) : perform(operation)));
    } catch {
      this.#undo();
      return batch.flatMap((operation) => this.run([operation]));
    }
  }

  #commit<A>(batch: readonly Operation[], perform: (operation: Operation) => A): A[] {
    this.#begin.run();
    const answers = batch.map(perform);
    this.#end.run();
    return answers;
  }

  #undo(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
  }

  /** One operation inside the transaction, in a savepoint. Throws only when the transaction itself is lost. */
  #guarded(operation: Operation): Answer | Failed {
    this.#savepoint.run();
    try {
      const answer = this.#operations.perform(operation);
      this.#release.run();
      return answer;
    } catch (error) {
      if (!(error instanceof TinderboxError)) throw error;
      this.#db.exec('ROLLBACK TO one; RELEASE one');
      return { failure: failureFrom(error, this.#file) };
    }
  }

  #attempt(operation: Operation): Answer | Failed {
    try {
      return this.#operations.perform(operation);
    } catch (error) {
      return { failure: failureFrom(error, this.#file) };
    }
  }
}
