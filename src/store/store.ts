/** One key with its value as it was written. Values are JSON. */
export interface Entry {
  readonly key: string;
  readonly value: unknown;
  /** Grows with every write anywhere in the store; the same key never has the same version twice. */
  readonly version: number;
}

/** A committed change; `value` is undefined for a deletion. */
export interface Change {
  readonly key: string;
  readonly value: unknown;
  readonly version: number;
}

/**
 * Key-value store with versioned writes. Keys are `/`-separated. Every write that resolved is on disk. Watchers hear
 * committed changes only, each once, in commit order.
 */
export interface Store {
  get(key: string): Promise<Entry | undefined>;
  /**
   * Writes and resolves with the new version. `expected`: the version the key must have now, 0 when it must not
   * exist; otherwise rejects with `conflict`. Rejects with `disk-full` when the disk is.
   */
  put(key: string, value: unknown, expected?: number): Promise<number>;
  /** Resolves with whether there was something to delete; `expected` as for `put`. */
  delete(key: string, expected?: number): Promise<boolean>;
  /** All entries whose key starts with `prefix`, by key. */
  list(prefix: string): Promise<readonly Entry[]>;
  /** Calls back for each change below `prefix` committed from now on; returns the way to stop. */
  watch(prefix: string, listener: (change: Change) => void): () => void;
  /** Finishes what was accepted, then lets go. Idempotent. */
  close(): Promise<void>;
}
