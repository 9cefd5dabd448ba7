import { notice } from '../observe/channels.ts';
import type { Change } from './store.ts';

/** Who wants to hear of which keys; each store implementation owns one and tells it what was committed, in order. */
export interface Watchers {
  add(prefix: string, listener: (change: Change) => void): () => void;
  tell(changes: readonly Change[]): void;
  clear(): void;
}

interface Watcher {
  readonly prefix: string;
  readonly listener: (change: Change) => void;
}

export function createWatchers(): Watchers {
  const watchers = new Set<Watcher>();
  return {
    add(prefix, listener) {
      const watcher = { prefix, listener };
      watchers.add(watcher);
      return () => {
        watchers.delete(watcher);
      };
    },
    tell(changes) {
      for (const change of changes) {
        for (const watcher of watchers) if (change.key.startsWith(watcher.prefix)) tellOne(watcher, change);
      }
    },
    clear() {
      watchers.clear();
    },
  };
}

/** A listener that throws must not keep the change from the others, nor from the one who wrote. */
function tellOne(watcher: Watcher, change: Change): void {
  try {
    watcher.listener(change);
  } catch (error) {
    notice.publish({
      level: 'error',
      part: 'store',
      message: `a watcher of "${watcher.prefix}" failed on "${change.key}"`,
      details: { error },
    });
  }
}
