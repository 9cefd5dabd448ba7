import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { conflictError, lastCharacter } from '../entry-rules.ts';
import type { Operations } from './batch-runner.ts';
import type { Answer, Operation, Row } from './messages.ts';
import { pragma, pragmaNumber } from './open-database.ts';

/** What the store asks of its database. Versions grow with every write, in the transaction of what they number. */
export function createEntryOperations(db: DatabaseSync): Operations<Operation, Answer> {
  const entries = new EntryOperations(db);
  return {
    isWrite: ({ kind }) => kind === 'put' || kind === 'delete',
    perform: (operation) => entries.perform(operation),
  };
}

class EntryOperations {
  readonly #db: DatabaseSync;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #next: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#get = db.prepare('SELECT key, value AS text, version FROM entries WHERE key = ?');
    this.#list = db.prepare('SELECT key, value AS text, version FROM entries WHERE key >= ? AND key < ? ORDER BY key');
    this.#put = db.prepare(
      'INSERT INTO entries (key, value, version) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version',
    );
    this.#delete = db.prepare('DELETE FROM entries WHERE key = ?');
    this.#next = db.prepare('UPDATE counter SET version = version + 1 RETURNING version');
  }

  perform(operation: Operation): Answer {
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
