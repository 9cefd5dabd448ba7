import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TinderboxError } from '../../model/errors.ts';
import type { ExecCommand, ExecSession } from '../../model/exec.ts';
import type { LogLine, LogQuery } from '../../model/log-line.ts';
import type { Instance } from '../../model/instance.ts';
import type { RevisionId } from '../../model/names.ts';
import type { HostSandbox } from '../../sandbox/create-sandbox.ts';
import type { Engine, EngineCapabilities, InstanceChange, Workload } from '../engine.ts';
import { Supervisor } from '../supervisor.ts';
import { adoptPrograms } from './adopt-programs.ts';
import { collectRuntimes } from './collect-runtimes.ts';
import { compilePython, findPython } from './find-python.ts';
import { execInProgram } from './exec-in-program.ts';
import { defaultPath } from './function-env.ts';
import { installRuntimes } from './install-runtimes.ts';
import { assertSocketPathsFit } from './instance-folder.ts';
import { readKeeperSelf } from './keeper/keeper-self.ts';
import { KeeperLink } from './keeper-link.ts';
import { decideLaunchPlan } from './launch-plan.ts';
import { logDirectory } from './obtain-program.ts';
import { PortChooser } from './port-chooser.ts';
import { PortRegistry } from './port-registry.ts';
import type { ProcessHost } from './process-host.ts';
import { ProgramRun } from './program-run.ts';
import { readLogs } from './read-logs.ts';
import { removeForeignTree } from '../../sandbox/remove-foreign-tree.ts';
import { SecretFiles } from '../../sandbox/secret-files.ts';
import { WarmPool } from './warm-pool.ts';
import { within } from './within.ts';

/** More than copies get when everything stops. */
const closeMs = 13_000;

export interface ProcessEngineOptions {
  /** Logs are kept in `stateDir/logs/<namespace>/<name>`. */
  readonly stateDir: string;
  /** Instance folders, sockets, installed runtimes, the keeper's socket; short, and passable by others (0711). */
  readonly runDir: string;
  /** Made for the same two directories; swept by `start`, closed by whoever made it. */
  readonly sandbox: HostSandbox;
  /** Warm processes held per runtime; default 2 each, 0 = none. Up to twice as many after recent starts. */
  readonly pool?: { readonly node: number; readonly python: number };
  /** Size of each of a function's two log files; default 8 MiB. */
  readonly logFileBytes?: number;
  /** Log bytes per second taken from one instance; default 4 MB. Beyond it lines are dropped and counted. */
  readonly logBytesPerSecond?: number;
  /** How long the keeper holds instances without a platform; default 30 s. */
  readonly keeperOrphanMs?: number;
  /** Time an instance has to become ready; default 30 s. */
  readonly startTimeoutMs?: number;
  /** Time after `start` in which adopted instances have to be applied again; default 60 s. */
  readonly unclaimedMs?: number;
  /** Starts under way at once; default 16. */
  readonly concurrentStarts?: number;
  /** Ready time after which earlier failures are forgotten; default 10 s. */
  readonly stableAfterMs?: number;
  /** Binaries functions run on; default: the Node running now, and the first Python ≥ 3.9 found. */
  readonly interpreters?: { readonly node?: string; readonly python?: string };
  /** Folders of other parts with an entry per program, emptied like the engine's own when nobody comes back; default none. */
  readonly sweptFolders?: readonly string[];
  /** Resolves when no call is in flight in a draining instance; it is asked to stop then, or after its grace. */
  readonly whenIdle?: (instanceId: string) => Promise<void>;
}

/**
 * Runs bundles as confined processes of this machine, held by a keeper process that outlives the platform for a while.
 * Throws `config` when socket paths below `runDir` would be too long; `start` throws `conflict` when another platform
 * uses the same `runDir`.
 */
export function createProcessEngine(options: ProcessEngineOptions): Engine {
  assertSocketPathsFit(options.runDir);
  return new ProcessEngine(options);
}

class ProcessEngine implements Engine {
  readonly name = 'process';
  readonly capabilities: EngineCapabilities = { artifacts: 'bundle', keepsCount: false, adopts: true };
  readonly #options: ProcessEngineOptions;
  readonly #supervisor: Supervisor;
  #host: ProcessHost | undefined;
  #pool: WarmPool | undefined;
  #unclaimedTimer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ProcessEngineOptions) {
    this.#options = options;
    const { concurrentStarts, stableAfterMs, whenIdle } = options;
    this.#supervisor = new Supervisor({
      runner: {
        check: (workload) => void decideLaunchPlan(this.#started().host, workload),
        run: (workload, id) => new ProgramRun(this.#started().host, this.#started().pool, workload, id),
      },
      ...(concurrentStarts === undefined ? {} : { concurrentStarts }),
      ...(stableAfterMs === undefined ? {} : { stableAfterMs }),
      ...(whenIdle === undefined ? {} : { whenIdle }),
    });
  }

  async start(): Promise<void> {
    const host = await createHost(this.#options);
    const reports = await host.keeper.start();
    this.#host = host;
    const { programIds, cageIds, uses } = await adoptPrograms(host, this.#supervisor, reports);
    const keeper = readKeeperSelf(join(host.runDir, 'keeper'));
    await collectRuntimes(join(host.runDir, 'runtime'), [...host.runtimes.uses, ...(keeper?.uses ?? []), ...uses]);
    await host.secrets.sweep(programIds);
    await sweepFolders(join(host.runDir, 'i'), programIds);
    await host.sandbox.sweep(cageIds);
    const sizes = {
      node: host.runtimes.nodeMain === undefined ? 0 : (this.#options.pool?.node ?? 2),
      python:
        host.runtimes.pythonMain === undefined || host.python === undefined ? 0 : (this.#options.pool?.python ?? 2),
    };
    this.#pool = new WarmPool({ host, sizes, starting: () => this.#supervisor.starting });
    this.#pool.start();
    this.#unclaimedTimer = setTimeout(() => this.#supervisor.dropUnclaimed(), this.#options.unclaimedMs ?? 60_000);
    this.#unclaimedTimer.unref();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async apply(workload: Workload): Promise<void> {
    this.#supervisor.apply(workload);
  }

  async remove(revision: RevisionId): Promise<void> {
    this.#supervisor.remove(revision);
  }

  async scale(revision: RevisionId, count: number): Promise<void> {
    this.#supervisor.scale(revision, count);
  }

  retire(instanceId: string, reason: string): void {
    this.#supervisor.retire(instanceId, reason);
  }

  async ownsAddress(instanceId: string): Promise<boolean> {
    return await this.#started().host.portOwners.owns(instanceId);
  }

  instances(): readonly Instance[] {
    return this.#supervisor.table.all();
  }

  watch(listener: (change: InstanceChange) => void): () => void {
    return this.#supervisor.table.watch(listener);
  }

  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> {
    return readLogs(logDirectory(this.#options.stateDir, query), query, signal);
  }

  async exec(instanceId: string, command: ExecCommand): Promise<ExecSession> {
    const instance = this.#supervisor.table.get(instanceId);
    const workload = instance === undefined ? undefined : this.#supervisor.workload(instance.revision);
    if (instance === undefined || workload === undefined) {
      throw new TinderboxError('not-found', `instance "${instanceId}" is not running`);
    }
    return await execInProgram(this.#started().host, instance, workload, command);
  }

  async #close(): Promise<void> {
    clearTimeout(this.#unclaimedTimer);
    // A keeper that does not answer tells of no end; without it everything it holds goes.
    await within(closeMs, Promise.all([this.#supervisor.close(), this.#pool?.close()]));
    await this.#host?.keeper.close();
    await this.#host?.secrets.close();
  }

  #started(): { readonly host: ProcessHost; readonly pool: WarmPool } {
    const [host, pool] = [this.#host, this.#pool];
    if (host !== undefined && pool !== undefined) return { host, pool };
    throw new TinderboxError('unavailable', 'the process engine was not started');
  }
}

async function createHost(options: ProcessEngineOptions): Promise<ProcessHost> {
  const { stateDir, runDir, sandbox, interpreters } = options;
  const otherUsers = sandbox.abilities.root && sandbox.abilities.setpriv;
  mkdirSync(join(runDir, 'i'), { recursive: true, mode: 0o711 });
  chmodSync(join(runDir, 'i'), 0o711);
  const node = interpreters?.node === undefined ? {} : { node: interpreters.node };
  const [runtimes, found] = await Promise.all([
    installRuntimes({ runDir, otherUsers, ...node }),
    findPython(interpreters?.python, otherUsers),
  ]);
  const python = runtimes.pythonMain === undefined ? undefined : found;
  if (python !== undefined && runtimes.pythonMain !== undefined) {
    await compilePython(python, dirname(runtimes.pythonMain));
  }
  const secrets = new SecretFiles(runDir);
  const keeper = new KeeperLink({
    node: runtimes.node,
    main: runtimes.keeperMain,
    directory: join(runDir, 'keeper'),
    orphanMs: options.keeperOrphanMs ?? 30_000,
    logFileBytes: options.logFileBytes ?? 8 * 2 ** 20,
    logBytesPerSecond: options.logBytesPerSecond ?? 4_000_000,
    places: {
      folders: [join(runDir, 'i'), secrets.root, ...(options.sweptFolders ?? [])],
      cages: sandbox.cages,
    },
  });
  return {
    stateDir,
    runDir,
    sandbox,
    keeper,
    runtimes,
    python,
    secrets,
    ports: new PortChooser(),
    portOwners: new PortRegistry(),
    running: new Map(),
    path: `${dirname(runtimes.node)}:${defaultPath}`,
    startTimeoutMs: options.startTimeoutMs ?? 30_000,
  };
}

/** Folders of instances that are gone, whoever left them. */
async function sweepFolders(directory: string, keep: ReadonlySet<string>): Promise<void> {
  const stale = readdirSync(directory).filter((id) => !keep.has(id));
  await Promise.all(stale.map((id) => removeForeignTree(join(directory, id))));
}
