import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Bind } from './sandbox.ts';

/** What a program inside bubblewrap is to see. */
export interface BubblewrapView {
  readonly bwrap: string;
  /** As root, no user namespace is made and these capabilities stay until the identity changes. */
  readonly root: boolean;
  readonly capabilities: readonly string[];
  readonly disableUserNamespaces: boolean;
  readonly network: boolean;
  readonly cwd: string;
  readonly hidden: readonly string[];
  /** Shown again, read-only, also where something above is hidden. */
  readonly visible: readonly string[];
  readonly writable: readonly string[];
  readonly binds: readonly Bind[];
  /** Memory behind /dev (`/dev/shm`) cannot be written either. */
  readonly sealed: boolean;
}

interface Operation {
  readonly target: string;
  readonly args: readonly string[];
}

/**
 * Everything is visible but read-only, except what is hidden (an empty tmpfs), writable, or bound. Operations go from
 * the root downwards, so the deeper one wins: a writable folder inside a hidden one can be seen, its neighbours cannot.
 */
export async function bubblewrap(view: BubblewrapView, next: readonly string[]): Promise<string[]> {
  const hidden = await existing(view.hidden);
  const visible = await existing(view.visible);
  const writable = await existing(view.writable);
  const built = view.root ? [] : await Promise.all(view.binds.map((bind) => buildTarget(bind.target)));
  const operations: Operation[] = [
    ...hidden.map((target) => ({ target, args: ['--tmpfs', target] })),
    ...built.flat(),
    ...visible.map((target) => ({ target, args: ['--ro-bind', target, target] })),
    // Left to itself, bubblewrap makes them in an empty place with the mode of what is shown: closed to other users.
    ...writable.map(dirname).map((target) => ({ target, args: ['--dir', target] })),
    ...writable.map((target) => ({ target, args: ['--bind', target, target] })),
    ...view.binds.map(({ source, target, readOnly }) => ({
      target,
      args: [readOnly ? '--ro-bind' : '--bind', source, target],
    })),
  ];
  const ordered = operations.toSorted((one, other) => depth(one.target) - depth(other.target));
  const host = ['--die-with-parent', '--new-session', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'];
  const shown = ordered.flatMap((operation) => operation.args);
  // Whoever shares the platform's user owns what is empty, and could fill the machine's memory with it.
  const tmpfs = ordered.filter(({ args }) => args[0] === '--tmpfs').map(({ target }) => target);
  const empty = tmpfs.filter((target) => !view.writable.includes(target));
  const closed = [...empty, ...(view.sealed ? ['/dev'] : [])].flatMap((target) => ['--remount-ro', target]);
  return [view.bwrap, ...namespaceOptions(view), ...host, ...shown, ...closed, '--chdir', view.cwd, '--', ...next];
}

function namespaceOptions(view: BubblewrapView): string[] {
  const options = ['--unshare-pid', '--unshare-ipc', '--unshare-uts'];
  if (!view.root) options.push('--unshare-user');
  if (!view.root && view.disableUserNamespaces) options.push('--disable-userns');
  if (!view.network) options.push('--unshare-net');
  return [...options, ...view.capabilities.flatMap((name) => ['--cap-add', name])];
}

/**
 * A user that cannot create `target` on the host gets its parent made anew: an empty tmpfs in which everything the
 * nearest existing folder holds is shown again, so that there is room for one more name.
 */
async function buildTarget(target: string): Promise<Operation[]> {
  if (await exists(target)) return [];
  let base = dirname(target);
  while (!(await exists(base))) base = dirname(base);
  if (base === '/') return [];
  const names = await readdir(base).catch(() => []);
  const shown = await Promise.all(names.map((name) => showAgain(join(base, name))));
  return [{ target: base, args: ['--tmpfs', base] }, ...shown.flat()];
}

async function showAgain(path: string): Promise<Operation[]> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts === undefined) return [];
  if (!facts.isSymbolicLink()) return [{ target: path, args: ['--ro-bind-try', path, path] }];
  return [{ target: path, args: ['--symlink', await readlink(path), path] }];
}

/** Whether bubblewrap can show something at a path that does not exist yet. */
export async function canBuildTarget(target: string): Promise<boolean> {
  if (await exists(target)) return true;
  const top = `/${target.split('/')[1] ?? ''}`;
  return top !== target && (await exists(top));
}

async function existing(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(paths.map(exists));
  return paths.filter((_, index) => found[index]);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function depth(path: string): number {
  return path.split('/').filter(Boolean).length;
}
