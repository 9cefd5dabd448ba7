/**
 * The platform's side of the build worker: starts it when there is work, ends it when there has been none for a while.
 *
 * 1. A job settles exactly once, also when the worker dies.
 * 2. When a job has settled, none of its cages exists and its work folder is gone.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { compileCacheEnvironment } from '../model/compile-cache.ts';
import { TinderboxError } from '../model/errors.ts';
import { notice } from '../observe/channels.ts';
import { removeTree } from '../sandbox/remove-tree.ts';
import type { CageRef, ConfineRequest, Sandbox } from '../sandbox/sandbox.ts';
import type { BuildOrder } from './build-order.ts';
import { type BuildSecrets, createMask, type SecretGiver } from './build-secrets.ts';
import type { Answer, BuildGrant, BuiltArtifact, FromWorker, PlannedBuild } from './worker-protocol.ts';
import type { ToWorker, WireError, WorkerSettings } from './worker-protocol.ts';
import { errorFromWire, wireErrorFrom } from './worker-protocol.ts';

/** A build inside the worker. */
export interface WorkerJob {
  readonly planned: Promise<PlannedBuild>;
  /** Builds what was planned; once. */
  go(grant: BuildGrant, onLog: (line: string) => void): Promise<BuiltArtifact>;
  /** Resolves when nothing of the job is left. Idempotent. */
  cancel(): Promise<void>;
}

export interface WorkerClient {
  /** The secrets stay on this side: the worker never knows them. */
  start(order: BuildOrder, secrets?: BuildSecrets): WorkerJob;
  /** Cancels everything and ends the worker. Idempotent. */
  close(): Promise<void>;
}

interface Job {
  readonly child: ChildProcess;
  readonly id: string;
  readonly planned: PromiseWithResolvers<PlannedBuild>;
  readonly built: PromiseWithResolvers<BuiltArtifact>;
  readonly cages: CageRef[];
  readonly secrets: BuildSecrets;
  /** Takes the secrets out of what is told. */
  readonly mask: (text: string) => string;
  onLog: (line: string) => void;
  settled: Promise<void> | undefined;
}

const idleMs = 10_000;
const closeGraceMs = 5_000;
/** Ending of the file beside a work folder that names the cages made for it, for the sweep after a crash; builds cannot write there. */
export const cagesEnding = '.cages';

/** Removes a work folder, and then what is remembered of it. */
export async function removeWork(folder: string): Promise<void> {
  await removeTree(folder);
  await rm(folder + cagesEnding, { force: true });
}

export function createWorkerClient(settings: WorkerSettings, sandbox: Sandbox, secrets: SecretGiver): WorkerClient {
  return new ForkedWorker(settings, sandbox, secrets);
}

class ForkedWorker implements WorkerClient {
  readonly #settings: WorkerSettings;
  readonly #sandbox: Sandbox;
  readonly #secrets: SecretGiver;
  readonly #jobs = new Map<string, Job>();
  #child: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(settings: WorkerSettings, sandbox: Sandbox, secrets: SecretGiver) {
    this.#secrets = secrets;
    this.#settings = settings;
    this.#sandbox = sandbox;
  }

  start(order: BuildOrder, secrets: BuildSecrets = {}): WorkerJob {
    if (this.#closed) throw new TinderboxError('unavailable', 'the builder is closed');
    clearTimeout(this.#idle);
    const job = createJob((this.#child ??= this.#fork()), secrets);
    this.#jobs.set(job.id, job);
    send(job, { kind: 'plan', id: job.id, order });
    return {
      planned: job.planned.promise,
      go: async (grant, onLog) => {
        job.onLog = onLog;
        send(job, { kind: 'go', id: job.id, grant });
        return await job.built.promise;
      },
      cancel: async () => {
        if (job.settled === undefined) send(job, { kind: 'cancel', id: job.id });
        await job.built.promise.catch(() => undefined);
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    const child = this.#child;
    if (child === undefined) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const killer = setTimeout(() => child.kill('SIGKILL'), closeGraceMs);
    if (child.connected) child.disconnect();
    await exited;
    clearTimeout(killer);
    await Promise.all([...this.#jobs.values()].map((job) => job.built.promise.catch(() => undefined)));
  }

  #fork(): ChildProcess {
    const entry = join(import.meta.dirname, `worker${extname(import.meta.filename)}`);
    const env = { PATH: this.#settings.toolPath, ...compileCacheEnvironment() };
    // Node's own notes about its features are not complaints of ours.
    const execArgv = ['--disable-warning=ExperimentalWarning'];
    const child = fork(entry, [], { env, execArgv, cwd: '/', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let complaint = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2000);
    });
    child.on('message', (message: FromWorker) => this.#receive(message));
    child.on('error', () => undefined);
    // Not 'close', which never comes after a disconnect from this side.
    child.once('exit', () => this.#lost(child, complaint));
    child.send({ kind: 'setup', settings: this.#settings } satisfies ToWorker);
    return child;
  }

  #receive(message: FromWorker): void {
    const job = this.#jobs.get(message.id);
    if (job === undefined) return;
    if (message.kind === 'planned') job.planned.resolve(message.planned);
    else if (message.kind === 'log') job.onLog(job.mask(message.line));
    else if (message.kind === 'confine') void this.#confine(job, message.request);
    else if (message.kind === 'built') this.#settle(job, () => job.built.resolve(message.built));
    else this.#settle(job, () => fail(job, errorFromWire(maskError(job, message.error))));
  }

  async #confine(job: Job, request: ConfineRequest): Promise<void> {
    let answer: Answer;
    try {
      const confined = await this.#secrets.confine(request, job.id, job.secrets);
      job.cages.push(confined.cage);
      await writeFile(this.#folder(job) + cagesEnding, JSON.stringify(job.cages), { mode: 0o600 });
      answer = { confined };
    } catch (reason) {
      answer = { error: wireErrorFrom(reason) };
    }
    if (this.#jobs.has(job.id)) send(job, { kind: 'answer', id: job.id, answer });
  }

  /** The caller hears of the end only when nothing of the job is left. */
  #settle(job: Job, tell: () => void): void {
    job.settled ??= (async () => {
      for (const cage of job.cages) {
        await this.#sandbox.destroy(cage).catch((reason: unknown) => complain('a build could not be killed', reason));
      }
      await this.#secrets.remove(job.id);
      await removeWork(this.#folder(job)).catch((reason: unknown) => complain('a build folder stays', reason));
      this.#jobs.delete(job.id);
      tell();
      this.#endWhenIdle();
    })();
  }

  #lost(child: ChildProcess, complaint: string): void {
    if (this.#child === child) this.#child = undefined;
    for (const job of this.#jobs.values()) {
      if (job.child !== child) continue;
      const error = this.#closed
        ? new TinderboxError('canceled', 'the build was canceled because the platform stops')
        : new TinderboxError('internal', 'the build worker ended unexpectedly', { cause: complaint });
      this.#settle(job, () => fail(job, error));
    }
    if (!this.#closed && complaint !== '') complain('the build worker ended', complaint);
  }

  #endWhenIdle(): void {
    const child = this.#child;
    if (this.#jobs.size > 0 || child === undefined) return;
    this.#idle = setTimeout(() => {
      if (this.#child === child) this.#child = undefined;
      if (child.connected) child.disconnect();
    }, idleMs).unref();
  }

  #folder(job: Job): string {
    return join(this.#settings.runDir, 'artifacts', `.tmp-${job.id}`);
  }
}

function createJob(child: ChildProcess, secrets: BuildSecrets): Job {
  const job: Job = {
    child,
    id: randomBytes(6).toString('hex'),
    planned: Promise.withResolvers<PlannedBuild>(),
    built: Promise.withResolvers<BuiltArtifact>(),
    cages: [],
    secrets,
    mask: createMask(secrets),
    onLog: () => undefined,
    settled: undefined,
  };
  // Whoever waits for one of the two must not be hurt by the other.
  job.planned.promise.catch(() => undefined);
  job.built.promise.catch(() => undefined);
  return job;
}

function send(job: Job, message: ToWorker): void {
  if (job.child.connected) job.child.send(message);
}

function maskError(job: Job, error: WireError): WireError {
  return { ...error, message: job.mask(error.message) };
}

function fail(job: Job, error: TinderboxError): void {
  job.planned.reject(error);
  job.built.reject(error);
}

function complain(message: string, reason: unknown): void {
  notice.publish({ level: 'warn', part: 'builder', message, details: { reason: String(reason) } });
}
