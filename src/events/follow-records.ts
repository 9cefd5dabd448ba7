import type { Store } from '../store/store.ts';

/** Hears of a record's present value, undefined once it is deleted. */
export type RecordListener = (key: string, value: unknown, version: number) => void;

/** Calls back for every record of a folder as it is now, and for every later change, in order; returns the way to stop. */
export async function followRecords(
  store: Pick<Store, 'list' | 'watch'>,
  folder: string,
  listener: RecordListener,
): Promise<() => void> {
  const versions = new Map<string, number>();
  /** Deleted before the list was there, which may have them still. */
  const gone = new Set<string>();
  let listed = false;
  const take: RecordListener = (key, value, version) => {
    // What was listed may be older than what the watch brought meanwhile.
    if ((versions.get(key) ?? 0) > version) return;
    versions.set(key, version);
    if (value !== undefined) gone.delete(key);
    else if (listed) versions.delete(key);
    else gone.add(key);
    listener(key, value, version);
  };
  const stop = store.watch(folder, ({ key, value, version }) => take(key, value, version));
  for (const { key, value, version } of await store.list(folder)) take(key, value, version);
  listed = true;
  for (const key of gone) versions.delete(key);
  return stop;
}
