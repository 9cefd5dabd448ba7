import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Watches what stands at a path: a file, a folder with all below it, or nothing yet. */
export interface PathWatcher {
  /** Whether something else stands there by now: what it watches is no longer what the path means. */
  isStale(): Promise<boolean>;
  close(): void;
}

/**
 * Calls back with the path below it (empty: the path itself) of each change. The folder above is watched for it, or the
 * nearest there is, so that what is deleted, replaced or not yet there is seen again; the watcher is stale then.
 */
export async function watchPath(path: string, onChange: (below: string) => void): Promise<PathWatcher> {
  for (;;) {
    const seen = await look(path);
    const watchers = startWatchers(path, seen, onChange);
    const isStale = async (): Promise<boolean> => (await look(path)).identity !== seen.identity;
    const close = (): void => {
      for (const watcher of watchers ?? []) watcher.close();
    };
    // What came between the look and the watch is told by nobody.
    if (watchers !== undefined && !(await isStale())) return { isStale, close };
    close();
  }
}

interface Seen {
  /** Nearest folder above that is there. */
  readonly folder: string;
  /** What of that folder leads to the path. */
  readonly name: string;
  readonly isFolder: boolean;
  /** Changes when another file or folder takes the place. */
  readonly identity: string;
}

async function look(path: string): Promise<Seen> {
  const own = await identify(path);
  let [folder, name] = [dirname(path), basename(path)];
  let above = await identify(folder);
  while (!above.isFolder && folder !== dirname(folder)) {
    [folder, name] = [dirname(folder), basename(folder)];
    above = await identify(folder);
  }
  // A file is watched by its name alone: another of that name is the same to us.
  return { folder, name, isFolder: own.isFolder, identity: `${folder} ${above.id} ${own.isFolder ? own.id : ''}` };
}

/** The number alone says too little: file systems give it to the next folder at once. */
async function identify(path: string): Promise<{ readonly id: string; readonly isFolder: boolean }> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined) return { id: '', isFolder: false };
  return { id: `${found.dev}:${found.ino}:${found.birthtimeNs}`, isFolder: found.isDirectory() };
}

/** undefined: what was seen is gone again. */
function startWatchers(
  path: string,
  { folder, name, isFolder }: Seen,
  onChange: (below: string) => void,
): readonly FSWatcher[] | undefined {
  const started: FSWatcher[] = [];
  const start = (place: string, recursive: boolean, heard: (event: string, below: string) => void): void => {
    const watcher = watch(place, { recursive }, (event, below) => heard(event, below === null ? '' : join(below)));
    // It ends with its folder, which is a change like others.
    started.push(watcher.on('error', () => onChange('')));
  };
  try {
    start(folder, false, (event, below) => {
      const itself = below === basename(folder) && event === 'rename';
      if (below === '' || below === name || itself) onChange('');
    });
    if (isFolder) start(path, true, (_event, below) => onChange(below));
    return started;
  } catch (reason) {
    for (const watcher of started) watcher.close();
    if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw reason;
  }
}
