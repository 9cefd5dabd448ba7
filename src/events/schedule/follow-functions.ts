import { TinderboxError } from '../../model/errors.ts';
import type { FunctionRecord } from '../../model/function.ts';
import { formatFunctionKey } from '../../model/names.ts';
import { recordFolders } from '../../model/record-keys.ts';
import { notice } from '../../observe/channels.ts';
import type { Store } from '../../store/store.ts';
import { parseSchedules } from './parse-schedules.ts';
import type { Scheduler } from './scheduler.ts';

/** Keeps the scheduler's schedules those of the functions in the store; returns the way to stop. */
export async function followFunctions(
  store: Pick<Store, 'list' | 'watch'>,
  scheduler: Pick<Scheduler, 'set'>,
): Promise<() => void> {
  const versions = new Map<string, number>();
  const take = (key: string, value: unknown, version: number): void => {
    // What was listed may be older than what the watch brought meanwhile.
    if ((versions.get(key) ?? 0) > version) return;
    versions.set(key, version);
    if (value === undefined) versions.delete(key);
    setSchedules(scheduler, key, value as FunctionRecord | undefined);
  };
  const stop = store.watch(recordFolders.functions, ({ key, value, version }) => take(key, value, version));
  for (const { key, value, version } of await store.list(recordFolders.functions)) take(key, value, version);
  return stop;
}

function setSchedules(scheduler: Pick<Scheduler, 'set'>, recordKey: string, record: FunctionRecord | undefined): void {
  const [namespace = '', name = ''] = recordKey.slice(recordFolders.functions.length).split('/');
  const key = formatFunctionKey(namespace, name);
  try {
    scheduler.set(key, record === undefined ? [] : parseSchedules(key, record.spec.annotations));
  } catch (error) {
    const { message } = TinderboxError.from(error);
    notice.publish({ level: 'warn', part: 'events', message: `${key} is not called by the clock: ${message}` });
    scheduler.set(key, []);
  }
}
