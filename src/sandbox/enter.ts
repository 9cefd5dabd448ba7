import { TinderboxError } from '../model/errors.ts';
import type { Protections } from '../model/instance.ts';
import { partEnvironment } from './environment.ts';
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
 * the function's user in the same step in which it enters. Throws `unsupported` when a wall cannot be had again.
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

function crossing({ facts, tools }: Host, request: EnterRequest, inside: readonly string[]): readonly string[] {
  const { protections, identity, target } = request;
  if (tools.setpriv === undefined && (protections.noNewPrivileges || identity !== undefined)) {
    throw lacking('setpriv', 'change its user and privileges');
  }
  if (!facts.root && protections.pidNamespace) throw closedForGood();
  const spaces = namespaceOptions(protections);
  if (spaces.length === 0) return walls.dropPrivileges(tools, identity, inside);
  if (tools.nsenter === undefined) throw lacking('nsenter', 'enter its namespaces');
  const user = identity === undefined ? [] : ['--setuid', String(identity.uid)];
  const enter = [tools.nsenter, '--target', String(target), ...spaces, ...user, '--', ...inside];
  // No user yet: entering needs the platform's, and nsenter changes to the other one before it executes anything.
  return walls.dropPrivileges(tools, identity, enter, 'groups');
}

/** bubblewrap makes all of them at once. */
function namespaceOptions({ mountNamespace, pidNamespace, network }: Protections): string[] {
  return [
    ...(mountNamespace ? ['--mount'] : []),
    ...(pidNamespace ? ['--pid', '--ipc', '--uts'] : []),
    ...(network === 'none' ? ['--net'] : []),
  ];
}

/**
 * bubblewrap locks its user namespace by putting another one inside: nobody is left in the one that owns the rest, and
 * no system tool can get at the descriptor that would lead there.
 */
function closedForGood(): TinderboxError {
  const message = 'a command cannot be run beside this instance: bubblewrap, run without root, lets nobody in';
  return new TinderboxError('unsupported', message, {
    hint: 'run the platform as root, or deploy the function with the annotation com.tinderbox.isolation=none',
  });
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
