import type { CageRef } from './sandbox.ts';

/** Places where cgroups could be made; which of them work is found out by doing it. */
export interface Hierarchies {
  readonly version: CageRef['version'];
  /** Candidate lists of directories, one directory per hierarchy, best first. */
  readonly candidates: readonly (readonly string[])[];
  /** Controllers wanted but absent from this host. */
  readonly absent: readonly string[];
}

interface Mount {
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

const wanted = ['memory', 'pids', 'cpu'];
/** Used when there: the freezer makes killing exact, cpuacct counts CPU time. */
const useful = ['freezer', 'cpuacct'];

/**
 * Decides from the texts of /proc/self/mountinfo, /proc/self/cgroup and the unified hierarchy's cgroup.controllers.
 * The top of a hierarchy comes before the platform's own place in it: a restarted platform finds its cages there again.
 */
export function decideHierarchies(mountInfo: string, ownCgroups: string, unifiedControllers: string): Hierarchies {
  const mounts = parseMounts(mountInfo);
  const unified = mounts.find((mount) => mount.type === 'cgroup2');
  const controllers = unifiedControllers.split(/\s+/).filter(Boolean);
  if (unified !== undefined && controllers.includes('memory'))
    return unifiedHierarchy(unified, controllers, ownCgroups);
  const found = [...wanted, ...useful].map((name) => ({
    name,
    path: mounts.find((mount) => mount.type === 'cgroup' && mount.options.includes(name))?.path,
  }));
  const absent = found.filter((entry) => entry.path === undefined && wanted.includes(entry.name));
  const present = found.filter((entry) => entry.path !== undefined) as { name: string; path: string }[];
  const own = present.map((entry) => ({ ...entry, path: entry.path + ownPath(ownCgroups, entry.name) }));
  if (!present.some((entry) => wanted.includes(entry.name))) return { version: 'none', candidates: [], absent: wanted };
  return {
    version: 'v1',
    candidates: [present, own].map((list) => [...new Set(list.map((entry) => entry.path))]),
    absent: absent.map((entry) => entry.name),
  };
}

/** Directory of the unified hierarchy, whose cgroup.controllers says what it can do. */
export function unifiedMount(mountInfo: string): string | undefined {
  return parseMounts(mountInfo).find((mount) => mount.type === 'cgroup2')?.path;
}

function unifiedHierarchy(unified: Mount, controllers: readonly string[], ownCgroups: string): Hierarchies {
  const own = unified.path + ownPath(ownCgroups, '');
  return {
    version: 'v2',
    candidates: own === unified.path ? [[unified.path]] : [[unified.path], [own]],
    absent: wanted.filter((name) => !controllers.includes(name)),
  };
}

/** Lines of /proc/self/cgroup are `id:controller,controller:/path`; the unified one has no controller. */
function ownPath(ownCgroups: string, controller: string): string {
  for (const line of ownCgroups.split('\n')) {
    const [, names, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (names?.split(',').includes(controller)) return path === '/' ? '' : (path ?? '');
  }
  return '';
}

function parseMounts(mountInfo: string): Mount[] {
  return mountInfo.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    const path = before?.split(' ')[4];
    const [type, , options] = after?.split(' ') ?? [];
    if (path === undefined || type === undefined) return [];
    return [{ path: unescapeOctal(path), type, options: options?.split(',') ?? [] }];
  });
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
