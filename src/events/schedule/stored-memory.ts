import { TinderboxError } from '../../model/errors.ts';
import { notice } from '../../observe/channels.ts';
import type { Store } from '../../store/store.ts';
import type { ScheduleMemory } from './scheduler.ts';

const folder = 'schedules/';

/** Last due times in the store under `schedules/ID`; a write that fails is told of and made up for by the next. */
export async function createStoredMemory(store: Pick<Store, 'list' | 'put' | 'delete'>): Promise<ScheduleMemory> {
  const entries = await store.list(folder);
  const known = new Map(entries.map(({ key, value }) => [key.slice(folder.length), Number(value)]));
  const tell = (reason: unknown): void => {
    const { message } = TinderboxError.from(reason);
    notice.publish({ level: 'warn', part: 'events', message: `last runs of schedules cannot be kept: ${message}` });
  };
  return {
    last: (id) => known.get(id),
    remember(id, dueMs) {
      known.set(id, dueMs);
      store.put(folder + id, dueMs).catch(tell);
    },
    forget(id) {
      if (known.delete(id)) store.delete(folder + id).catch(tell);
    },
  };
}
