import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What is watched: a file, or a folder with all below it. */
export interface Watched {
  /** Whose it is: a function, or undefined for all of them (the stack file, templates, what is copied). */
  readonly owner: string | undefined;
  /** Absolute. */
  readonly path: string;
}

/** Owners whose files changed; `all` when something changed that belongs to none of them alone. */
export interface Changes {
  readonly owners: ReadonlySet<string>;
  readonly all: boolean;
}

/** An editor's save is several events, over within this. */
const settleMs = 60;
const ignored = /(^|\/)(node_modules|\.git|__pycache__|\.venv)(\/|$)|(~|\.swp|\.swx|\.tmp|4913)$/;

/**
 * Calls back with what changed, once an editor's save has settled, until the signal aborts. A file is watched in its
 * folder, so that one which an editor replaces is seen again. Changes during a callback come with the next one. After a
 * change of all, what is watched is asked for anew, and watched before the old watchers go, so that nothing is missed.
 */
export async function watchProject(
  listPaths: () => Promise<readonly Watched[]>,
  onChange: (changes: Changes) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const changed = createInbox();
  let watchers = await startWatchers(await listPaths(), changed.note);
  try {
    for (;;) {
      const changes = await changed.next(signal);
      if (changes === undefined) return;
      await onChange(changes);
      if (!changes.all || signal.aborted) continue;
      const fresh = await startWatchers(await listPaths(), changed.note);
      closeAll(watchers);
      watchers = fresh;
    }
  } finally {
    closeAll(watchers);
  }
}

interface Inbox {
  readonly note: (owner: string | undefined) => void;
  /** What came since the last time, after a pause in which more of the same save may come; undefined after the abort. */
  next(signal: AbortSignal): Promise<Changes | undefined>;
}

function createInbox(): Inbox {
  let pending = new Set<string | undefined>();
  let arrived = Promise.withResolvers<void>();
  return {
    note: (owner) => {
      pending.add(owner);
      arrived.resolve();
    },
    next: async (signal) => {
      const leave = (): void => arrived.resolve();
      signal.addEventListener('abort', leave, { once: true });
      if (!signal.aborted) await arrived.promise;
      signal.removeEventListener('abort', leave);
      if (signal.aborted) return undefined;
      await delay(settleMs);
      const now = pending;
      pending = new Set();
      arrived = Promise.withResolvers();
      return { owners: new Set([...now].filter((owner) => owner !== undefined)), all: now.has(undefined) };
    },
  };
}

async function startWatchers(
  paths: readonly Watched[],
  note: (owner: string | undefined) => void,
): Promise<readonly FSWatcher[]> {
  return Promise.all(paths.map((watched) => startWatcher(watched, note)));
}

function closeAll(watchers: readonly FSWatcher[]): void {
  for (const watcher of watchers) watcher.close();
}

async function startWatcher({ owner, path }: Watched, note: (owner: string | undefined) => void): Promise<FSWatcher> {
  const isFolder = (await stat(path)).isDirectory();
  const folder = isFolder ? path : dirname(path);
  const only = isFolder ? undefined : relative(folder, path);
  return watch(folder, { recursive: isFolder }, (_event, name) => {
    const changed = name === null ? '' : join(name);
    if (only !== undefined && changed !== only) return;
    if (!ignored.test(changed)) note(owner);
  });
}
