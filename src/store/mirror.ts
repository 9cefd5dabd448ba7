import type { Change, Entry, Store } from './store.ts';

/**
 * A copy of one part of the store in memory, for readers that cannot wait: kept up to date by a watch, and by its own
 * writes as soon as they are acknowledged. It is never ahead of the store; a write with the version read here is
 * refused by the store when somebody else was faster.
 */
export interface Mirror {
  get(key: string): Entry | undefined;
  /** Entries directly in `folder`: key `folder/x` but not `folder/x/y`; by insertion. */
  children(folder: string): readonly Entry[];
  /** All entries, in no order. */
  all(): Iterable<Entry>;
  put(key: string, value: unknown, expected?: number): Promise<number>;
  delete(key: string, expected?: number): Promise<boolean>;
  close(): void;
}

/** Loads everything below `prefix` and follows it; `onChange` hears of what the watch brings, after it is visible here. */
export async function createMirror(
  store: Store,
  prefix: string,
  onChange: (change: Change) => void = () => undefined,
): Promise<Mirror> {
  const mirror = new StoreMirror(store);
  const unwatch = store.watch(prefix, (change) => {
    mirror.apply(change);
    onChange(change);
  });
  mirror.unwatch = unwatch;
  for (const entry of await store.list(prefix)) mirror.apply(entry);
  return mirror;
}

const rememberedDeletions = 10_000;

class StoreMirror implements Mirror {
  unwatch: () => void = () => undefined;
  readonly #store: Store;
  readonly #folders = new Map<string, Map<string, Entry>>();
  /** Versions of the latest deletions: an older entry may still arrive from the list or from a late acknowledgement. */
  readonly #deletedAt = new Map<string, number>();

  constructor(store: Store) {
    this.#store = store;
  }

  get(key: string): Entry | undefined {
    return this.#folders.get(folderOf(key))?.get(key);
  }

  children(folder: string): readonly Entry[] {
    return [...(this.#folders.get(folder)?.values() ?? [])];
  }

  *all(): Iterable<Entry> {
    for (const folder of this.#folders.values()) yield* folder.values();
  }

  async put(key: string, value: unknown, expected?: number): Promise<number> {
    const version = await this.#store.put(key, value, expected);
    this.apply({ key, value, version });
    return version;
  }

  async delete(key: string, expected?: number): Promise<boolean> {
    const before = this.get(key)?.version ?? 0;
    const deleted = await this.#store.delete(key, expected);
    // The deletion's own version comes with the watch; nothing older than what was deleted may come back until then.
    if ((this.get(key)?.version ?? 0) === before) this.apply({ key, value: undefined, version: before });
    return deleted;
  }

  apply(change: Change): void {
    const folder = folderOf(change.key);
    const known = this.#folders.get(folder)?.get(change.key)?.version ?? this.#deletedAt.get(change.key) ?? 0;
    if (change.version < known || (change.value !== undefined && change.version === known)) return;
    if (change.value === undefined) {
      this.#remember(change);
      this.#remove(folder, change.key);
      return;
    }
    this.#deletedAt.delete(change.key);
    let entries = this.#folders.get(folder);
    if (entries === undefined) this.#folders.set(folder, (entries = new Map()));
    entries.set(change.key, change);
  }

  close(): void {
    this.unwatch();
  }

  #remember({ key, version }: Change): void {
    this.#deletedAt.delete(key);
    this.#deletedAt.set(key, version);
    if (this.#deletedAt.size <= rememberedDeletions) return;
    for (const oldest of this.#deletedAt.keys()) {
      this.#deletedAt.delete(oldest);
      return;
    }
  }

  #remove(folder: string, key: string): void {
    const entries = this.#folders.get(folder);
    entries?.delete(key);
    if (entries?.size === 0) this.#folders.delete(folder);
  }
}

function folderOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}
