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
  const take: RecordListener = (key, value, version) => {
    // What was listed may be older than what the watch brought meanwhile.
    if ((versions.get(key) ?? 0) > version) return;
    versions.set(key, version);
    if (value === undefined) versions.delete(key);
    listener(key, value, version);
  };
  const stop = store.watch(folder, ({ key, value, version }) => take(key, value, version));
  for (const { key, value, version } of await store.list(folder)) take(key, value, version);
  return stop;
}
