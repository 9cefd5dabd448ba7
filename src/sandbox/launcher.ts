import type { Bind, Identity, Limits } from './sandbox.ts';
import { shellPath, type Tools } from './tools.ts';

/**
 * The text every confined program starts with. It is constant: all values are positional parameters, so nothing a
 * function's owner writes is ever read as shell. Each word pair is one wall; `--` ends them and the rest replaces the
 * shell. Any wall that cannot be put up ends the launch with status 125 before a foreign instruction ran.
 */
const script = `unset PWD OLDPWD
umask 022
fail() { echo "tinderbox: cannot $1" >&2; exit 125; }
while [ $# -gt 0 ]; do
  case $1 in
    cgroup) echo 0 >"$2/cgroup.procs" || fail "enter $2" ;;
    files) ulimit -n "$2" || fail "limit open files to $2" ;;
    blocks) ulimit -f "$2" || fail "limit file size to $2 blocks" ;;
    data) ulimit -d "$2" || fail "limit data to $2 KiB" ;;
    tasks) ulimit -u "$2" 2>/dev/null || ulimit -p "$2" || fail "limit processes to $2" ;;
    core) ulimit -c "$2" || fail "forbid core dumps" ;;
    bind) "$2" -n -i --bind "$3" "$4" || fail "show $3 at $4"; shift 2 ;;
    protect) "$2" -n -i -o remount,bind,ro "$3" || fail "make $3 read-only"; shift ;;
    --) shift; exec "$@" ;;
    *) fail "understand $1" ;;
  esac
  shift 2
done
fail "find the program"`;

/** Hard limits of this process; a launcher without CAP_SYS_RESOURCE may only go below them. */
export interface HardLimits {
  readonly openFiles: number;
  readonly fileBytes: number;
}

/** From the text of /proc/self/limits; what is not there is unlimited. */
export function parseHardLimits(text: string): HardLimits {
  const hard = (name: string): number => {
    const value = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, 'm').exec(text)?.[1];
    return value === undefined || value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value);
  };
  return { openFiles: hard('Max open files'), fileBytes: hard('Max file size') };
}

/** Wraps `next` in the launcher with these walls. */
export function launch(walls: readonly string[], next: readonly string[]): readonly string[] {
  return [shellPath, '-c', script, 'tinderbox-launch', ...walls, '--', ...next];
}

export function cgroupWalls(cgroups: readonly string[]): string[] {
  return cgroups.flatMap((dir) => ['cgroup', dir]);
}

/** Headroom over a memory limit kept per process: a script engine reserves far more than it uses. */
const reservedDataBytes = 2 ** 30;

/** rlimits; `memory` is added only where no cgroup limits it. */
export function limitWalls(limits: Limits, hard: HardLimits, memoryPerProcess: boolean): string[] {
  const files = Math.min(limits.openFiles, hard.openFiles);
  const bytes = Math.min(limits.fileBytes, hard.fileBytes);
  const walls = ['core', '0'];
  if (limits.openFiles > 0) walls.push('files', String(files));
  if (limits.fileBytes > 0) walls.push('blocks', String(Math.max(1, Math.floor(bytes / 512))));
  if (memoryPerProcess && limits.memoryBytes > 0) {
    walls.push('data', String(Math.ceil((limits.memoryBytes + reservedDataBytes) / 1024)));
  }
  return walls;
}

export function taskWalls(pids: number): string[] {
  return pids > 0 ? ['tasks', String(pids)] : [];
}

export function bindWalls(mount: string, binds: readonly Bind[]): string[] {
  return binds.flatMap(({ source, target, readOnly }) => {
    const shown = ['bind', mount, source, target];
    return readOnly ? [...shown, 'protect', mount, target] : shown;
  });
}

/**
 * Command that drops privileges and becomes `next`; without identity the user stays and can still be changed. `groups`:
 * all but the user, which `next` will change itself.
 */
export function dropPrivileges(
  tools: Tools,
  identity: Identity | undefined,
  next: readonly string[],
  part: 'all' | 'groups' = 'all',
): string[] {
  if (tools.setpriv === undefined) return [...next];
  const user = identity === undefined || part === 'groups' ? [] : ['--reuid', String(identity.uid)];
  return [tools.setpriv, '--no-new-privs', ...user, ...groupOptions(identity), '--', ...next];
}

function groupOptions(identity: Identity | undefined): string[] {
  if (identity === undefined) return [];
  const groups = identity.groups.length === 0 ? ['--clear-groups'] : ['--groups', identity.groups.join(',')];
  return ['--regid', String(identity.gid), '--inh-caps=-all', ...groups];
}

/** New namespaces for `next`; mounts made inside are never seen outside. */
export function unshareFor(unshare: string, mounts: boolean, network: boolean, next: readonly string[]): string[] {
  const options = [...(mounts ? ['--mount', '--propagation', 'private'] : []), ...(network ? ['--net'] : [])];
  return [unshare, ...options, '--', ...next];
}
