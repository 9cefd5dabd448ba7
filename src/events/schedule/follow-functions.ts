import { TinderboxError } from '../../model/errors.ts';
import type { FunctionRecord } from '../../model/function.ts';
import { formatFunctionKey } from '../../model/names.ts';
import { recordFolders } from '../../model/record-keys.ts';
import { notice } from '../../observe/channels.ts';
import type { Store } from '../../store/store.ts';
import { followRecords } from '../follow-records.ts';
import { parseSchedules } from './parse-schedules.ts';
import type { Scheduler } from './scheduler.ts';

/** Keeps the scheduler's schedules those that annotations of functions in the store ask for; returns the way to stop. */
export async function followFunctions(
  store: Pick<Store, 'list' | 'watch'>,
  scheduler: Pick<Scheduler, 'set'>,
): Promise<() => void> {
  return await followRecords(store, recordFolders.functions, (key, value) =>
    setSchedules(scheduler, key, value as FunctionRecord | undefined),
  );
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
