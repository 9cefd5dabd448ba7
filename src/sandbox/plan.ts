import { TinderboxError } from '../model/errors.ts';
import type { Protections } from '../model/instance.ts';
import type { Isolation } from '../model/settings.ts';
import type { Abilities, ConfineRequest } from './sandbox.ts';

/** What the plan needs to know beyond the published abilities. */
export interface HostFacts extends Abilities {
  /** Controllers that limit a cage here, of `memory`, `pids` and `cpu`. */
  readonly controllers: readonly string[];
  /** Whether a process limit inside a user namespace counts only what is inside (Linux 5.14). */
  readonly tasksPerNamespace: boolean;
}

/** Which walls a request gets. `shell`: launcher only; `unshare`: plus namespaces; `bubblewrap`: a world of its own. */
export interface Plan {
  readonly way: 'shell' | 'unshare' | 'bubblewrap';
  readonly showBinds: boolean;
  readonly limitTasks: boolean;
  readonly nodePermission: boolean;
  /** Nothing but what the request names may be written, memory behind /dev included. */
  readonly sealed: boolean;
  readonly protections: Protections;
}

/** Pure. Throws `unsupported` when something asked for by name cannot be had here. */
export function decidePlan(host: HostFacts, request: ConfineRequest, fallback: Isolation): Plan {
  const isolation = request.isolation === 'auto' ? fallback : request.isolation;
  assertIdentity(host, request);
  const way = decideWay(host, request, isolation);
  assertNetwork(host, request, way);
  const showBinds = request.binds.length > 0 && isolation !== 'none' && (way !== 'shell' || host.mountNamespace);
  const limitTasks = !host.controllers.includes('pids') && canLimitTasks(host, request, way);
  return {
    way,
    showBinds,
    limitTasks,
    nodePermission: isolation === 'strict',
    sealed: request.readOnlyWithTmp !== undefined || isolation === 'namespaces' || isolation === 'strict',
    protections: describe(host, request, { way, showBinds, limitTasks }),
  };
}

function decideWay(host: HostFacts, request: ConfineRequest, isolation: Isolation): Plan['way'] {
  if (isolation === 'namespaces' || isolation === 'strict') {
    if (host.bubblewrap !== undefined && host.pidNamespace) return 'bubblewrap';
    throw new TinderboxError(
      'unsupported',
      `isolation "${isolation}" cannot be had here: ${reason(host, 'bubblewrap')}`,
      {
        hint: 'install bubblewrap and allow user namespaces, or ask for isolation "auto"',
      },
    );
  }
  if (host.root) {
    if (wantsReadOnly(host, request, isolation)) return 'bubblewrap';
    const binds = request.binds.length > 0 && isolation !== 'none' && host.mountNamespace;
    return binds || request.network === 'none' ? 'unshare' : 'shell';
  }
  const needed = isolation !== 'none' || request.network === 'none';
  return needed && host.bubblewrap !== undefined ? 'bubblewrap' : 'shell';
}

function wantsReadOnly(host: HostFacts, request: ConfineRequest, isolation: Isolation): boolean {
  const possible = host.bubblewrap !== undefined && host.pidNamespace && !request.identityLater;
  return request.readOnlyWithTmp !== undefined && isolation !== 'none' && possible;
}

function assertIdentity(host: HostFacts, request: ConfineRequest): void {
  if (request.identity === undefined || request.identityLater) return;
  if (host.root && host.setpriv) return;
  const why = host.root ? reason(host, 'setpriv') : 'the platform does not run as root';
  throw new TinderboxError('unsupported', `"${request.id}" cannot run as user ${request.identity.uid}: ${why}`);
}

function assertNetwork(host: HostFacts, request: ConfineRequest, way: Plan['way']): void {
  if (request.network === 'host' || (host.networkNamespace && way !== 'shell')) return;
  throw new TinderboxError(
    'unsupported',
    `network "none" cannot be had for "${request.id}": ${reason(host, 'network namespace')}`,
  );
}

/** A limit per user would stop the platform's own user from starting anything, so it needs a user or namespace apart. */
function canLimitTasks(host: HostFacts, request: ConfineRequest, way: Plan['way']): boolean {
  if (host.root) return request.identity !== undefined && !request.identityLater;
  return way === 'bubblewrap' && host.tasksPerNamespace;
}

type Chosen = Pick<Plan, 'way' | 'showBinds' | 'limitTasks'>;

function describe(host: HostFacts, request: ConfineRequest, chosen: Chosen): Protections {
  const uid = request.identity?.uid;
  return {
    ...(uid === undefined ? {} : { uid }),
    cgroup: host.cgroup,
    noNewPrivileges: host.setpriv || chosen.way === 'bubblewrap',
    mountNamespace: chosen.way === 'bubblewrap' || (chosen.way === 'unshare' && chosen.showBinds),
    pidNamespace: chosen.way === 'bubblewrap',
    network: request.network,
    memoryLimit: request.limits.memoryBytes === 0 ? 'none' : host.controllers.includes('memory') ? 'cgroup' : 'rlimit',
    missing: missingProtections(host, request, chosen),
  };
}

function missingProtections(host: HostFacts, request: ConfineRequest, chosen: Chosen): string[] {
  const { limits } = request;
  const lacks = (controller: string): boolean => !host.controllers.includes(controller);
  const cgroup = reason(host, 'cgroup');
  const boxed = chosen.way === 'bubblewrap';
  const ownUser = host.root && (request.identity !== undefined || request.identityLater);
  const list: [boolean, string][] = [
    [!ownUser, 'user of its own: it shares the platform’s user'],
    [!ownUser && boxed, 'privacy of that user’s other files: all but the data folder can be read'],
    [
      !ownUser && !boxed,
      `privacy of that user’s files, the data folder with its keys too: ${reason(host, 'bubblewrap')}`,
    ],
    [!host.setpriv && !boxed, `no-new-privileges: ${reason(host, 'setpriv')}`],
    [limits.memoryBytes > 0 && lacks('memory'), `memory limit of the whole tree, only per process: ${cgroup}`],
    [limits.pids > 0 && lacks('pids') && !chosen.limitTasks, `process limit: ${cgroup}`],
    [limits.cpuMillis > 0 && lacks('cpu'), `CPU limit: ${cgroup}`],
    [host.cgroup === 'none' && !boxed, `killing of daemons that hide, only of its process group: ${cgroup}`],
    [
      request.readOnlyWithTmp !== undefined && !boxed,
      `read-only root file system: ${request.isolation === 'none' ? 'isolation "none" was asked for' : reason(host, 'bubblewrap')}`,
    ],
    [request.binds.length > 0 && !chosen.showBinds, `${shown(request)}: ${reason(host, 'mount namespace')}`],
    [
      request.hidden.length > 0 && !ownUser && !boxed,
      `hiding of ${request.hidden.join(', ')}: ${reason(host, 'bubblewrap')}`,
    ],
  ];
  return list.filter(([absent]) => absent).map(([, text]) => text);
}

function shown(request: ConfineRequest): string {
  return request.binds.map((bind) => bind.target).join(', ');
}

/** `abilities.missing` has one sentence per absent ability, beginning with its name. */
function reason(host: Abilities, ability: string): string {
  const found = host.missing.find((sentence) => sentence.startsWith(`${ability}: `));
  return found?.slice(ability.length + 2) ?? `${ability} is not in use`;
}
