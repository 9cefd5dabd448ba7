import { TinderboxError } from '../model/errors.ts';
import type { FunctionRecord } from '../model/function.ts';
import { formatFunctionRecordKey } from '../model/record-keys.ts';
import type { ApiParts } from './api-parts.ts';
import { unknownFunction } from './catalog.ts';

/** The control loop writes a record a few times per rollout; so many conflicts in a row are something else. */
const maxAttempts = 20;

/** Changes a function's record; when somebody else wrote meanwhile, on top of what they wrote. Rejects with `not-found`. */
export async function changeFunction(
  { store, catalog }: Pick<ApiParts, 'store' | 'catalog'>,
  namespace: string,
  name: string,
  change: (record: FunctionRecord) => FunctionRecord,
): Promise<void> {
  const key = formatFunctionRecordKey(namespace, name);
  for (let attempt = 1; ; attempt += 1) {
    const entry = await store.get(key);
    if (entry === undefined) throw unknownFunction(namespace, name);
    try {
      await catalog.functions.put(key, change(entry.value as FunctionRecord), entry.version);
      return;
    } catch (reason) {
      if (!(reason instanceof TinderboxError) || reason.code !== 'conflict' || attempt === maxAttempts) throw reason;
    }
  }
}
