import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TinderboxError } from '../../model/errors.ts';
import { conflictError, lastCharacter } from '../entry-rules.ts';
import type { Answer, Operation, Row } from './messages.ts';
import { pragma, pragmaNumber } from './open-database.ts';
import { failureFrom } from './sqlite-failure.ts';

/** Runs operations in order. All answers are given after the commit; see the invariants at {@link BatchRunner}. */
export interface Batches {
  run(batch: readonly Operation[]): Answer[];
}

export function createBatches(db: DatabaseSync, file: string): Batches {
  return new BatchRunner(db, file);
}

/**
 * Owns the transaction, the savepoints and the counter of versions; knows nothing of threads or watchers.
 *
 * 1. A write is answered with success only after the COMMIT that holds it returned.
 * 2. A write that fails alone (conflict) leaves its neighbours in the batch as they are.
 * 3. When the transaction as a whole fails (disk full), each operation is tried again on its own, so that one large
 *    value does not take small ones with it.
 * 4. Versions grow with every write; the counter is in the same transaction as what it numbers.
 */
class BatchRunner implements Batches {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #next: StatementSync;

  constructor(db: DatabaseSync, file: string) {
    this.#db = db;
    this.#file = file;
    this.#get = db.prepare('SELECT key, value AS text, version FROM entries WHERE key = ?');
    this.#list = db.prepare('SELECT key, value AS text, version FROM entries WHERE key >= ? AND key < ? ORDER BY key');
    this.#put = db.prepare(
      'INSERT INTO entries (key, value, version) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version',
    );
    this.#delete = db.prepare('DELETE FROM entries WHERE key = ?');
    this.#next = db.prepare('UPDATE counter SET version = version + 1 RETURNING version');
  }

  run(batch: readonly Operation[]): Answer[] {
    if (!batch.some(isWrite)) return batch.map((operation) => this.#attempt(operation));
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      const answers = batch.map((operation) =>
        isWrite(operation) ? this.#guarded(operation) : this.#perform(operation),
      );
      this.#db.exec('COMMIT');
      return answers;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      if (batch.length > 1) return batch.flatMap((operation) => this.run([operation]));
      return [{ failure: failureFrom(error, this.#file) }];
    }
  }

  /** One operation inside the transaction, in a savepoint. Throws only when the transaction itself is lost. */
  #guarded(operation: Operation): Answer {
    this.#db.exec('SAVEPOINT one');
    try {
      const answer = this.#perform(operation);
      this.#db.exec('RELEASE one');
      return answer;
    } catch (error) {
      if (!(error instanceof TinderboxError)) throw error;
      this.#db.exec('ROLLBACK TO one; RELEASE one');
      return { failure: failureFrom(error, this.#file) };
    }
  }

  #attempt(operation: Operation): Answer {
    try {
      return this.#perform(operation);
    } catch (error) {
      return { failure: failureFrom(error, this.#file) };
    }
  }

  #perform(operation: Operation): Answer {
    const { key } = operation;
    switch (operation.kind) {
      case 'get':
        return { rows: rowsFrom(this.#get.all(key)) };
      case 'list':
        return { rows: rowsFrom(this.#list.all(key, key + lastCharacter)) };
      case 'put': {
        this.#assertExpected(key, operation.expected);
        const version = this.#nextVersion();
        this.#put.run(key, operation.text, version);
        return { written: version };
      }
      case 'delete': {
        this.#assertExpected(key, operation.expected);
        return { written: Number(this.#delete.run(key).changes) === 0 ? 0 : this.#nextVersion() };
      }
      case 'settings':
        return { settings: settingsOf(this.#db) };
    }
  }

  #nextVersion(): number {
    return Number(this.#next.get()?.['version']);
  }

  #assertExpected(key: string, expected: number | undefined): void {
    if (expected === undefined) return;
    const actual = Number(this.#get.get(key)?.['version'] ?? 0);
    if (actual !== expected) throw conflictError(key, expected, actual);
  }
}

function isWrite({ kind }: Operation): boolean {
  return kind === 'put' || kind === 'delete';
}

/** Copies: rows of node:sqlite have no prototype, and only plain objects are worth posting. */
function rowsFrom(found: readonly Record<string, unknown>[]): Row[] {
  return found.map((row) => ({ key: String(row['key']), text: String(row['text']), version: Number(row['version']) }));
}

function settingsOf(db: DatabaseSync): Extract<Answer, { settings: unknown }>['settings'] {
  return {
    journalMode: String(pragma(db, 'journal_mode')),
    synchronous: pragmaNumber(db, 'synchronous'),
    lockingMode: String(pragma(db, 'locking_mode')),
    schemaVersion: pragmaNumber(db, 'user_version'),
  };
}
