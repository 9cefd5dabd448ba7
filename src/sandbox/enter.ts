import { TinderboxError } from '../model/errors.ts';
import type { Protections } from '../model/instance.ts';
import { partEnvironment } from './environment.ts';
import { joinCommand } from './join-command.ts';
import { withLateVariables } from './late-variables.ts';
import * as walls from './launcher.ts';
import type { HostFacts } from './plan.ts';
import type { CageRef, Identity, Limits } from './sandbox.ts';
import { terminalCommand } from './terminal-command.ts';
import { shellPath, type Tools } from './tools.ts';
import { cageVariable } from './uncaged.ts';

/** A program that is to run inside walls that stand already, beside the one they were made for. */
export interface EnterRequest {
  /** The cage it is to be in, inside the other's. */
  readonly cage: CageRef;
  /** A process that sees what the program is to see: the other program, or the first one of its pid namespace. */
  readonly target: number;
  /** What is in force for the other program. */
  readonly protections: Protections;
  readonly command: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly identity: Identity | undefined;
  readonly limits: Limits;
  /** Gives it a terminal of this size; a new size is read from its fd 3, as `ROWS COLUMNS` and a newline. */
  readonly terminal?: { readonly rows: number; readonly columns: number };
}

/** A command that is inside before its first foreign instruction. */
export interface Entrance {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface Host {
  readonly facts: HostFacts;
  readonly tools: Tools;
  readonly hard: walls.HardLimits;
}

/**
 * Pure. Nothing is executed with the platform's rights once the other's view is entered: the function may have made
 * that view itself and put programs of its own at every path. So limits and groups come first, and `nsenter` becomes
 * the function's user in the same step in which it enters. Without root there are no rights to lose but those over the
 * namespaces, which bubblewrap made. Throws `unsupported` when a wall cannot be had again.
 */
export function decideEntrance(host: Host, request: EnterRequest): Entrance {
  const { early, late } = partEnvironment(request.env);
  const inside = insideCommand(host, request, late);
  const [file = '', ...args] = walls.launch(outerWalls(host, request), crossing(host, request, inside));
  const mark = request.cage.version === 'none' ? { [cageVariable]: request.cage.id } : {};
  return { file, args, env: { ...early, ...mark } };
}

/** As the function: its folder, the variables that steer a loader, then the program itself. */
function insideCommand({ tools }: Host, request: EnterRequest, late: readonly string[]): readonly string[] {
  const { command, terminal } = request;
  const program =
    terminal === undefined
      ? withLateVariables(tools, command, late)
      : terminalCommand(tools, command, { late, size: terminal, shell: request.env['SHELL'] });
  const text = 'cd "$1" || exit 125; shift; unset OLDPWD; exec "$@"';
  return [shellPath, '-c', text, 'tinderbox-exec', request.cwd, ...program];
}

function outerWalls({ facts, hard }: Host, { cage, limits, identity }: EnterRequest): readonly string[] {
  const limitTasks = !facts.controllers.includes('pids') && facts.root && identity !== undefined;
  return [
    ...walls.cgroupWalls(cage.cgroups),
    ...walls.limitWalls(limits, hard, !facts.controllers.includes('memory')),
    ...(limitTasks ? walls.taskWalls(limits.pids) : []),
  ];
}

function crossing(host: Host, request: EnterRequest, inside: readonly string[]): readonly string[] {
  const { facts, tools } = host;
  const { protections, identity, target } = request;
  const spaces = namespacesOf(protections);
  if (!facts.root && protections.pidNamespace)
    return joinCommand(tools, target, spaces, limited(host, request, inside));
  if (tools.setpriv === undefined && (protections.noNewPrivileges || identity !== undefined)) {
    throw lacking('setpriv', 'change its user and privileges');
  }
  if (spaces.length === 0) return walls.dropPrivileges(tools, identity, inside);
  if (tools.nsenter === undefined) throw lacking('nsenter', 'enter its namespaces');
  const user = identity === undefined ? [] : ['--setuid', String(identity.uid)];
  const options = spaces.map((kind) => optionsOfNsenter[kind]);
  const enter = [tools.nsenter, '--target', String(target), ...options, ...user, '--', ...inside];
  // No user yet: entering needs the platform's, and nsenter changes to the other one before it executes anything.
  return walls.dropPrivileges(tools, identity, enter, 'groups');
}

/** A limit per user counts, inside the function's user namespace, only what is inside. */
function limited({ facts }: Host, { limits }: EnterRequest, inside: readonly string[]): readonly string[] {
  const perNamespace = facts.tasksPerNamespace && !facts.controllers.includes('pids');
  return perNamespace ? walls.launch(walls.taskWalls(limits.pids), inside) : inside;
}

type NamespaceKind = 'mnt' | 'pid' | 'ipc' | 'uts' | 'net';

const optionsOfNsenter: Readonly<Record<NamespaceKind, string>> = {
  mnt: '--mount',
  pid: '--pid',
  ipc: '--ipc',
  uts: '--uts',
  net: '--net',
};

/** bubblewrap makes all but the network's at once. */
function namespacesOf({ mountNamespace, pidNamespace, network }: Protections): NamespaceKind[] {
  return [
    ...(mountNamespace ? (['mnt'] as const) : []),
    ...(pidNamespace ? (['pid', 'ipc', 'uts'] as const) : []),
    ...(network === 'none' ? (['net'] as const) : []),
  ];
}

function lacking(tool: string, purpose: string): TinderboxError {
  return new TinderboxError(
    'unsupported',
    `a program cannot be run beside this one: ${tool}, to ${purpose}, is missing`,
    {
      hint: 'install util-linux on the machine of the platform',
    },
  );
}
