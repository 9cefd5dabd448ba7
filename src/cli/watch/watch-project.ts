import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isEditorLeftover } from '../../client/editor-leftovers.ts';
import { type PathWatcher, watchPath } from './watch-path.ts';

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
/** Folders that are made and not written, and how editors try a folder (`4913`, `.swx`) and save. */
const ignored = /(^|\/)(node_modules|\.git|__pycache__|\.venv)(\/|$)|(\.swx|\.tmp|4913)$/;

/**
 * Calls back at once, as after a change of all, and then with what changed, once an editor's save has settled, until the
 * signal aborts. All of `listPaths` is watched before a callback, so that what changes during it comes with the next one;
 * it is asked anew after a change of all. What is not there (yet, or any more) is seen when it comes.
 */
export async function watchProject(
  listPaths: () => Promise<readonly Watched[]>,
  onChange: (changes: Changes) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const changed = createInbox();
  let watchers: readonly OwnedWatcher[] = [];
  try {
    for (let changes: Changes | undefined = { owners: new Set(), all: true }; changes !== undefined; ) {
      watchers = changes.all
        ? await replaceAll(watchers, await listPaths(), changed.note)
        : await Promise.all(watchers.map((watcher) => renewed(watcher, changed.note)));
      await onChange(changes);
      changes = await changed.next(signal);
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

interface OwnedWatcher {
  readonly watched: Watched;
  readonly watcher: PathWatcher;
}

type Note = Inbox['note'];

/** The new ones first: nothing is missed between them. */
async function replaceAll(
  old: readonly OwnedWatcher[],
  paths: readonly Watched[],
  note: Note,
): Promise<readonly OwnedWatcher[]> {
  const fresh = await Promise.all(paths.map((watched) => startWatcher(watched, note)));
  closeAll(old);
  return fresh;
}

async function renewed(owned: OwnedWatcher, note: Note): Promise<OwnedWatcher> {
  if (!(await owned.watcher.isStale())) return owned;
  owned.watcher.close();
  return startWatcher(owned.watched, note);
}

async function startWatcher(watched: Watched, note: Note): Promise<OwnedWatcher> {
  const watcher = await watchPath(watched.path, (below) => {
    if (!ignored.test(below) && !isEditorLeftover(basename(below))) note(watched.owner);
  });
  return { watched, watcher };
}

function closeAll(watchers: readonly OwnedWatcher[]): void {
  for (const { watcher } of watchers) watcher.close();
}
