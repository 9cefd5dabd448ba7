import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { TinderboxError } from '../model/errors.ts';
import { makeCage, makeCageParent } from './cage-maker.ts';
import { destroyCage, type CageParent } from './cage.ts';
import { decideHierarchies, unifiedMount, type Hierarchies } from './hierarchies.ts';
import { cgroupWalls, dropPrivileges, launch } from './launcher.ts';
import type { HostFacts } from './plan.ts';
import { createProbeId } from './probe-cage.ts';
import type { CageRef, Limits } from './sandbox.ts';
import { attempt, shellPath, type Attempt, type Tools } from './tools.ts';

export interface Probed {
  readonly host: HostFacts;
  readonly parent: CageParent;
  /** Whether bubblewrap can forbid further user namespaces inside. */
  readonly disableUserNamespaces: boolean;
}

const noCages: CageParent = { cgroups: [], version: 'none' };
const notRoot: Attempt = { ok: false, reason: 'the platform does not run as root' };
const nobody = { uid: 65_534, gid: 65_534, groups: [] };

/** Finds out what this host can do by doing each thing once, all at the same time. `name` is the parent cgroup's. */
export async function probeAbilities(tools: Tools, name: string): Promise<Probed> {
  const root = process.getuid?.() === 0;
  const [cgroup, setpriv, mount, network, box, boxNetwork, nested] = await Promise.all([
    probeCgroups(name),
    probeSetpriv(tools, root),
    root ? probeMount(tools) : notRoot,
    root ? probeNetwork(tools) : notRoot,
    boxed(tools, root, []),
    root ? notRoot : boxed(tools, root, ['--unshare-net']),
    root ? notRoot : boxed(tools, root, ['--disable-userns']),
  ]);
  const [mountNamespace, networkNamespace] = root ? [mount, network] : [box, boxNetwork];
  return {
    parent: cgroup.parent,
    disableUserNamespaces: nested.ok,
    host: {
      root,
      cgroup: cgroup.parent.version,
      controllers: cgroup.controllers,
      setpriv: setpriv.ok,
      mountNamespace: mountNamespace.ok,
      pidNamespace: box.ok,
      networkNamespace: networkNamespace.ok,
      bubblewrap: box.ok ? tools.bwrap : undefined,
      tasksPerNamespace: countsTasksPerNamespace(release()),
      missing: [
        ...(cgroup.reason === undefined ? [] : [`cgroup: ${cgroup.reason}`]),
        ...sentence('setpriv', setpriv),
        ...sentence('mount namespace', mountNamespace),
        ...sentence('network namespace', networkNamespace),
        ...sentence('bubblewrap', box),
        ...sentence('pid namespace', box),
      ],
    },
  };
}

function sentence(ability: string, result: Attempt): string[] {
  return result.ok ? [] : [`${ability}: ${result.reason}`];
}

function notInstalled(program: string): Attempt {
  return { ok: false, reason: `${program} is not installed` };
}

async function probeSetpriv(tools: Tools, root: boolean): Promise<Attempt> {
  if (tools.setpriv === undefined) return notInstalled('setpriv');
  const status = 'while read -r key value rest; do case $key in Uid:|NoNewPrivs:) echo $value;; esac; done';
  const reading = [shellPath, '-c', `${status} </proc/self/status`];
  const [file = '', ...args] = dropPrivileges(tools, root ? nobody : undefined, reading);
  const result = await attempt(file, args);
  const uid = root ? nobody.uid : process.getuid?.();
  if (!result.ok || result.output === `${uid}\n1\n`) return result;
  return { ok: false, reason: 'setpriv ran, but changed neither user nor privileges' };
}

function probeMount(tools: Tools): Attempt | Promise<Attempt> {
  if (tools.unshare === undefined || tools.mount === undefined) return notInstalled('unshare or mount');
  const text = '"$1" -n -i --bind / /mnt && "$1" -n -i -o remount,bind,ro /mnt';
  return attempt(tools.unshare, [
    '--mount',
    '--propagation',
    'private',
    '--',
    shellPath,
    '-c',
    text,
    'sh',
    tools.mount,
  ]);
}

async function probeNetwork(tools: Tools): Promise<Attempt> {
  if (tools.unshare === undefined) return notInstalled('unshare');
  const text = 'while read -r name rest; do echo "$name"; done </proc/net/dev';
  const result = await attempt(tools.unshare, ['--net', '--', shellPath, '-c', text]);
  // Two lines are the table's head.
  const links = result.ok ? result.output.trim().split('\n').slice(2) : [];
  if (!result.ok || links.every((name) => name.startsWith('lo:'))) return result;
  return { ok: false, reason: `a new network namespace is not empty: ${links.join(' ')}` };
}

async function boxed(tools: Tools, root: boolean, extra: readonly string[]): Promise<Attempt> {
  if (tools.bwrap === undefined) return notInstalled('bubblewrap');
  const user = root ? [] : ['--unshare-user'];
  const spaces = [...user, '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--die-with-parent', '--new-session'];
  const view = ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'];
  return attempt(tools.bwrap, [...spaces, ...extra, ...view, '--', shellPath, '-c', ':']);
}

interface CgroupResult {
  readonly parent: CageParent;
  readonly controllers: readonly string[];
  readonly reason: string | undefined;
}

async function probeCgroups(name: string): Promise<CgroupResult> {
  const found = await readHierarchies();
  let reason = found.version === 'none' ? 'no memory, pids or cpu controller is mounted' : undefined;
  for (const directories of found.candidates) {
    const parent: CageParent = { version: found.version, cgroups: directories.map((dir) => join(dir, name)) };
    try {
      const controllers = await tryCage(parent);
      const absent = ['memory', 'pids', 'cpu'].filter((controller) => !controllers.includes(controller));
      return { parent, controllers, reason: absent.length > 0 ? `no controller for ${absent.join(', ')}` : undefined };
    } catch (error) {
      reason ??= (error as Error).message;
    }
  }
  return { parent: noCages, controllers: [], reason };
}

async function readHierarchies(): Promise<Hierarchies> {
  const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
  const [mounts, own] = await Promise.all([read('/proc/self/mountinfo'), read('/proc/self/cgroup')]);
  const unified = unifiedMount(mounts);
  return decideHierarchies(mounts, own, unified === undefined ? '' : await read(join(unified, 'cgroup.controllers')));
}

/** Limits one cage, reads the limits back and puts a process in; resolves with the controllers that work. */
async function tryCage(parent: CageParent): Promise<string[]> {
  await makeCageParent(parent);
  const limits: Limits = { memoryBytes: 2 ** 26, pids: 16, cpuMillis: 500, fileBytes: 0, openFiles: 0 };
  const cage = await makeCage(parent, createProbeId(), limits);
  try {
    const [file = '', ...args] = launch(cgroupWalls(cage.cgroups), [shellPath, '-c', ':']);
    const [entered, controllers] = await Promise.all([attempt(file, args), readControllers(cage)]);
    if (!entered.ok) throw new TinderboxError('unsupported', entered.reason);
    return controllers;
  } finally {
    await destroyCage(cage);
  }
}

async function readControllers(cage: CageRef): Promise<string[]> {
  const v2 = cage.version === 'v2';
  const expected: [string, string, string][] = [
    ['memory', v2 ? 'memory.max' : 'memory.limit_in_bytes', String(2 ** 26)],
    ['pids', 'pids.max', '16'],
    ['cpu', v2 ? 'cpu.max' : 'cpu.cfs_quota_us', v2 ? '50000 100000' : '50000'],
  ];
  const working: string[] = [];
  for (const [controller, file, value] of expected) {
    const texts = await Promise.all(cage.cgroups.map((dir) => readFile(join(dir, file), 'utf8').catch(() => '')));
    if (texts.some((text) => text.trim() === value)) working.push(controller);
  }
  return working;
}

/** RLIMIT_NPROC is counted per user namespace since Linux 5.14. */
function countsTasksPerNamespace(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 14);
}
