import { join } from 'node:path';
import type { Invoke } from '../../src/model/invocation.ts';
import { defaultRetrySettings } from '../../src/model/retry-settings.ts';
import { type AsyncCalls, createAsyncCalls } from '../../src/queue/async-calls.ts';
import { testLimits } from '../../src/queue/conformance.ts';
import { createSqliteQueue } from '../../src/queue/sqlite/sqlite-queue.ts';

/** Stored calls over a real queue in `dir`, opened with the first call; two quick attempts each. */
export function createStoredCalls(dir: string, invoke: Invoke): AsyncCalls {
  const limits = { ...testLimits, laneJobs: 1000, laneBytes: 1_000_000, deadLetters: 100, history: 100 };
  return createAsyncCalls({
    open: () => createSqliteQueue({ file: join(dir, 'queue.db'), limits }),
    invoke,
    replyBytes: 1024,
    callbacks: { isAllowed: () => false, timeoutMs: 1000, agent: 'test' },
    settingsOf: () => ({
      retry: { ...defaultRetrySettings, attempts: 2, minWaitMs: 5, maxWaitMs: 5 },
      memoryBytes: 2 ** 29,
      queue: 'default',
    }),
    dedicated: new Map(),
    ownPath: () => undefined,
    now: Date.now,
    random: () => 0,
  });
}
