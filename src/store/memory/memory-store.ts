import { assertKey, closedError, conflictError, formatValue } from '../entry-rules.ts';
import type { Change, Entry, Store } from '../store.ts';
import { createWatchers } from '../watchers.ts';

interface Row {
  /** JSON text, so that nobody shares an object with the store. */
  readonly text: string;
  readonly version: number;
}

/** A store that lasts as long as the process; for tests. It keeps every promise of {@link Store} but the disk's. */
export function createMemoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly #rows = new Map<string, Row>();
  readonly #watchers = createWatchers();
  #version = 0;
  #closed = false;

  async get(key: string): Promise<Entry | undefined> {
    this.#assertOpen(key);
    const row = this.#rows.get(key);
    return row === undefined ? undefined : entryFromRow(key, row);
  }

  async put(key: string, value: unknown, expected?: number): Promise<number> {
    this.#assertOpen(key);
    const text = formatValue(key, value);
    this.#assertExpected(key, expected);
    const row = { text, version: ++this.#version };
    this.#rows.set(key, row);
    this.#watchers.tell([entryFromRow(key, row)]);
    return row.version;
  }

  async delete(key: string, expected?: number): Promise<boolean> {
    this.#assertOpen(key);
    this.#assertExpected(key, expected);
    if (!this.#rows.delete(key)) return false;
    const change: Change = { key, value: undefined, version: ++this.#version };
    this.#watchers.tell([change]);
    return true;
  }

  async list(prefix: string): Promise<readonly Entry[]> {
    if (this.#closed) throw closedError();
    return [...this.#rows]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map(([key, row]) => entryFromRow(key, row));
  }

  watch(prefix: string, listener: (change: Change) => void): () => void {
    return this.#watchers.add(prefix, listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watchers.clear();
  }

  #assertOpen(key: string): void {
    if (this.#closed) throw closedError();
    assertKey(key);
  }

  #assertExpected(key: string, expected: number | undefined): void {
    const actual = this.#rows.get(key)?.version ?? 0;
    if (expected !== undefined && expected !== actual) throw conflictError(key, expected, actual);
  }
}

function entryFromRow(key: string, row: Row): Entry {
  return { key, value: JSON.parse(row.text), version: row.version };
}
