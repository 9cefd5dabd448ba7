import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface DiskLimit {
  /** Absolute path of the folder that is watched with everything below it. */
  readonly dir: string;
  /** Most it may occupy, in allocated blocks, each entry at least 4 KiB; 0 = no limit. */
  readonly bytes: number;
}

/** A disk runs out of names, too: an empty file is not for nothing. */
const leastEntryBytes = 4096;

/**
 * Resolves with true once the folder occupies more than its limit, with false when the signal aborts. Looks every
 * quarter of a second, less often where one look takes long; what is written and deleted in between goes unseen.
 */
export async function watchDisk(limit: DiskLimit, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const begin = performance.now();
    if (await occupiesMore(limit.dir, limit.bytes, signal)) return true;
    const pauseMs = Math.max(250, 4 * (performance.now() - begin));
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

async function occupiesMore(dir: string, bytes: number, signal: AbortSignal): Promise<boolean> {
  let used = 0;
  const waiting = [dir];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (signal.aborted) return false;
    try {
      for await (const entry of await opendir(next)) {
        const path = join(next, entry.name);
        if (entry.isDirectory()) waiting.push(path);
        const facts = await lstat(path).catch(ignoreGone);
        used += facts === undefined ? 0 : Math.max(facts.blocks * 512, leastEntryBytes);
        if (used > bytes) return true;
      }
    } catch (error) {
      // A tree too deep to be measured is a place to hide in, so it counts as too much.
      if ((error as NodeJS.ErrnoException).code === 'ENAMETOOLONG') return true;
    }
  }
  return false;
}

function ignoreGone(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENAMETOOLONG') throw error;
}
