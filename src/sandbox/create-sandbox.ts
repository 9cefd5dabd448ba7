import { createHash } from 'node:crypto';
import { mkdir, readFile, rmdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { TinderboxError } from '../model/errors.ts';
import type { Isolation } from '../model/settings.ts';
import { probeAbilities, type Probed } from './abilities.ts';
import { bubblewrap, canBuildTarget } from './bubblewrap.ts';
import { applyLimits, makeCage } from './cage-maker.ts';
import { type CageParent, cageOomKilled, destroyCage, sweepCages } from './cage.ts';
import { type Entrance, type EnterRequest, decideEntrance } from './enter.ts';
import { partEnvironment } from './environment.ts';
import { withLateVariables } from './late-variables.ts';
import * as walls from './launcher.ts';
import { nodePermission } from './node-permission.ts';
import { decidePlan, type Plan } from './plan.ts';
import type { Bind, CageRef, Confined, ConfineRequest, Limits, Sandbox } from './sandbox.ts';
import { findTools, type Tools } from './tools.ts';
import { cageVariable } from './uncaged.ts';

export interface SandboxOptions {
  /** Hidden from everything confined. */
  readonly stateDir: string;
  /** Names the parent cgroup, so that two platforms on one host never meet. */
  readonly runDir: string;
  /** What `auto` in a request means; default `auto`. */
  readonly isolation?: Isolation;
}

/** The sandbox of this host, with what only its owner does. */
export interface HostSandbox extends Sandbox {
  /** Where all its cages are made. */
  readonly cages: CageParent;
  /** The command of a program that joins one that runs. Throws `unsupported` rather than be weaker than the other. */
  enter(request: EnterRequest): Entrance;
  /** Destroys every cage of earlier platforms whose id is not in `keep`; call once, after adoption. Resolves with the ids. */
  sweep(keep: ReadonlySet<string>): Promise<readonly string[]>;
  /** Lets go of the parent cgroup if no cage is left in it. Idempotent; kills nothing. */
  close(): Promise<void>;
}

/** Probes the host (about 50 ms) and resolves with its sandbox. */
export async function createSandbox(options: SandboxOptions): Promise<HostSandbox> {
  const tools = await findTools();
  const digest = createHash('sha256').update(options.runDir).digest('hex').slice(0, 12);
  const probed = await probeAbilities(tools, `tinderbox-${digest}`);
  const hard = walls.parseHardLimits(await readFile('/proc/self/limits', 'utf8').catch(() => ''));
  return new LocalSandbox(tools, probed, hard, options);
}

class LocalSandbox implements HostSandbox {
  readonly abilities: Probed['host'];
  readonly cages: CageParent;
  readonly #tools: Tools;
  readonly #probed: Probed;
  readonly #hard: walls.HardLimits;
  readonly #options: SandboxOptions;

  constructor(tools: Tools, probed: Probed, hard: walls.HardLimits, options: SandboxOptions) {
    this.abilities = probed.host;
    this.cages = probed.parent;
    this.#tools = tools;
    this.#probed = probed;
    this.#hard = hard;
    this.#options = options;
  }

  async confine(request: ConfineRequest): Promise<Confined> {
    assertRequest(request);
    const plan = decidePlan(this.abilities, request, this.#options.isolation ?? 'auto');
    const environment = partEnvironment(request.env);
    const { binds, missing } = await this.#prepareBinds(request, plan);
    const command = await this.#command(request, plan, binds, environment.late);
    const cage = await makeCage(this.cages, request.id, request.limits);
    const [file = '', ...args] = this.#launch(request, plan, binds, cage, command);
    const mark = cage.version === 'none' ? { [cageVariable]: request.id } : {};
    return {
      file,
      args,
      env: { ...environment.early, ...mark },
      cwd: request.cwd,
      cage,
      protections: { ...plan.protections, missing: [...plan.protections.missing, ...missing] },
    };
  }

  enter(request: EnterRequest): Entrance {
    return decideEntrance({ facts: this.abilities, tools: this.#tools, hard: this.#hard }, request);
  }

  async limit(cage: CageRef, limits: Limits): Promise<void> {
    await applyLimits(cage, limits);
  }

  async destroy(cage: CageRef): Promise<void> {
    const alive = await destroyCage(cage);
    if (alive.length === 0) return;
    throw new TinderboxError('internal', `cage "${cage.id}" is not empty after 5000 ms: ${alive.join(', ')} still run`);
  }

  oomKilled(cage: CageRef): Promise<boolean> {
    return cageOomKilled(cage);
  }

  sweep(keep: ReadonlySet<string>): Promise<readonly string[]> {
    return sweepCages(this.cages, keep);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.cages.cgroups.map((dir) => rmdir(dir)));
  }

  /** Everything from the change of identity on; bubblewrap, where used, stands in front of it. */
  async #command(
    request: ConfineRequest,
    plan: Plan,
    binds: readonly Bind[],
    late: readonly string[],
  ): Promise<readonly string[]> {
    const program = plan.nodePermission ? nodePermission(request.command, request.writable) : request.command;
    const named = withLateVariables(this.#tools, program, late);
    const identity = request.identityLater ? undefined : request.identity;
    if (plan.way !== 'bubblewrap')
      return this.abilities.setpriv ? walls.dropPrivileges(this.#tools, identity, named) : named;
    const inside = this.abilities.root ? walls.dropPrivileges(this.#tools, identity, named) : named;
    const limited = plan.limitTasks && !this.abilities.root;
    const view = {
      bwrap: this.abilities.bubblewrap ?? '',
      root: this.abilities.root,
      // A warm process is still ours; what it may do ends when it changes its identity.
      capabilities: !this.abilities.root
        ? []
        : request.identityLater
          ? ['ALL']
          : ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'],
      disableUserNamespaces: this.#probed.disableUserNamespaces,
      network: request.network === 'host',
      cwd: request.cwd,
      // The user's own service bus would start programs outside of these walls.
      hidden: [...request.hidden, this.#options.stateDir, '/run/user'],
      visible: [this.#options.runDir, ...hiddenProgram(request)],
      writable: request.writable,
      binds: [...binds, ...ownTmp(request)],
      sealed: plan.sealed,
    };
    return bubblewrap(view, limited ? walls.launch(walls.taskWalls(request.limits.pids), inside) : inside);
  }

  #launch(
    request: ConfineRequest,
    plan: Plan,
    binds: readonly Bind[],
    cage: CageRef,
    command: readonly string[],
  ): readonly string[] {
    const memoryPerProcess = !this.abilities.controllers.includes('memory');
    const { unshare, mount } = this.#tools;
    const list = [
      ...walls.cgroupWalls(cage.cgroups),
      ...(plan.way === 'unshare' && mount !== undefined ? walls.bindWalls(mount, binds) : []),
      ...walls.limitWalls(request.limits, this.#hard, memoryPerProcess),
      ...(plan.limitTasks && plan.way !== 'bubblewrap' ? walls.taskWalls(request.limits.pids) : []),
    ];
    const launcher = walls.launch(list, command);
    if (plan.way !== 'unshare' || unshare === undefined) return launcher;
    return walls.unshareFor(unshare, binds.length > 0, request.network === 'none', launcher);
  }

  /** Makes the places where binds are to be seen; what cannot be made is reported, and its bind left out. */
  async #prepareBinds(request: ConfineRequest, plan: Plan): Promise<{ binds: Bind[]; missing: string[] }> {
    const binds: Bind[] = [];
    const missing: string[] = [];
    for (const bind of plan.showBinds ? request.binds : []) {
      const possible = this.abilities.root ? await makeDirectory(bind.target) : await canBuildTarget(bind.target);
      if (possible) binds.push(bind);
      else missing.push(`${bind.target}: it cannot be made on this host`);
    }
    return { binds, missing };
  }
}

/** A program that lives in /tmp itself would be hidden by a /tmp of its own. */
function hiddenProgram({ readOnlyWithTmp, command: [file = ''] }: ConfineRequest): readonly string[] {
  return readOnlyWithTmp !== undefined && file.startsWith('/tmp/') ? [dirname(file)] : [];
}

function ownTmp({ readOnlyWithTmp: source }: ConfineRequest): readonly Bind[] {
  return source === undefined ? [] : [{ source, target: '/tmp', readOnly: false }];
}

/** Not `recursive`: below /proc that never ends, since mkdir there says a parent is missing that exists. */
async function makeDirectory(path: string): Promise<boolean> {
  const made = await mkdir(path, { mode: 0o755 }).catch((error: NodeJS.ErrnoException) => error);
  if (!(made instanceof Error) || made.code === 'EEXIST') return true;
  const parent = dirname(path);
  const parentExists = await stat(parent).catch(() => undefined);
  if (parentExists !== undefined || !(await makeDirectory(parent))) return false;
  return makeDirectory(path);
}

function assertRequest(request: ConfineRequest): void {
  const refuse = (what: string): never => {
    throw new TinderboxError('invalid', `sandbox request "${request.id}": ${what}`);
  };
  if (!/^[a-z0-9-]{1,40}$/.test(request.id)) refuse('the id must match [a-z0-9-]{1,40}');
  if (!request.command[0]) refuse('the command is empty');
  if (request.command.some((word) => word.includes('\0'))) refuse('the command has a NUL byte in it');
  const paths = [request.cwd, ...request.binds.flatMap((bind) => [bind.source, bind.target]), ...request.writable];
  const relative = [...paths, ...request.hidden].find((path) => !isAbsolute(path));
  if (relative !== undefined) refuse(`path "${relative}" is not absolute`);
  for (const [name, value] of Object.entries(request.limits)) {
    if (!Number.isSafeInteger(value) || value < 0) refuse(`limit ${name} = ${value} is not a whole number from 0`);
  }
}
