/**
 * The builder: source in, artifact out.
 *
 * Owns the artifact index, the order in which builds run and the folder `runDir/artifacts`. Does not own the work
 * itself (the worker's) nor what is still needed (control says so to `collect`).
 *
 * 1. At most `concurrent` builds run; at most `maxWaiting` more are accepted.
 * 2. Two equal builds are never at work at once: whoever comes second joins the first.
 * 3. An image name is recorded after its artifact, an artifact after its directory.
 * 4. What a build needs that is in progress, or ended since a collection began, is not collected; what is being collected
 *    is built anew only when nothing of it is left.
 */
import { chmod, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identities } from '../identity/identities.ts';
import type { Artifact } from '../model/artifact.ts';
import { TinderboxError } from '../model/errors.ts';
import { assertName } from '../model/names.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Store } from '../store/store.ts';
import { ArtifactIndex } from './artifact-index.ts';
import { assertBuildArgs, assertImageName } from './build-order.ts';
import type { BuildOrder } from './build-order.ts';
import { SecretGiver } from './build-secrets.ts';
import type { Builder, BuildRequest } from './builder.ts';
import { createFlight } from './flight.ts';
import type { Flight } from './flight.ts';
import { createSlots } from './slots.ts';
import type { Slots } from './slots.ts';
import { sweepBuilds, sweepCaches } from './sweep.ts';
import { createWorkerClient } from './worker-client.ts';
import type { WorkerClient, WorkerJob } from './worker-client.ts';
import type { BuildGrant, PlannedBuild } from './worker-protocol.ts';

/** What the builder is made of. */
export interface BuilderOptions {
  /** Absolute; the builder makes and owns `artifacts`, `cache` and `tools` in it. */
  readonly runDir: string;
  /** Absolute; hidden from builds where the sandbox shares the platform's user. */
  readonly stateDir?: string;
  readonly store: Store;
  readonly sandbox: Sandbox;
  readonly identities: Identities;
  readonly build: BuildSettings;
  /** Whether builds and artifacts get ids of their own; default: when the sandbox runs as root and can change users. */
  readonly uids?: boolean;
}

/** Limits of one build, and how many run at once. */
export interface BuildSettings {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly concurrent: number;
  readonly env: Readonly<Record<string, string>>;
  /** Folders make, npm and python3 are looked for in, `:`-separated; default the system's. */
  readonly toolPath?: string;
}

const maxWaiting = 100;
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Clears away what a crash left in the run folder; the build worker starts with the first build. */
export async function createBuilder(options: BuilderOptions): Promise<Builder> {
  const artifacts = join(options.runDir, 'artifacts');
  await mkdir(artifacts, { recursive: true });
  const runDir = await realpath(options.runDir);
  await chmod(artifacts, 0o711);
  await sweepBuilds(artifacts, options.sandbox);
  await sweepCaches(join(runDir, 'cache'), options.store);
  const { abilities } = options.sandbox;
  const secrets = new SecretGiver(runDir, options.sandbox);
  await secrets.sweep();
  const worker = createWorkerClient(
    {
      runDir,
      stateDir: options.stateDir,
      toolPath: options.build.toolPath ?? systemPath,
      boxed: abilities.bubblewrap !== undefined && abilities.pidNamespace,
      timeoutMs: options.build.timeoutMs,
      memoryBytes: options.build.memoryBytes,
      diskBytes: options.build.diskBytes,
      env: options.build.env,
    },
    options.sandbox,
    secrets,
  );
  const index = new ArtifactIndex({ runDir, store: options.store, identities: options.identities });
  const uids = options.uids ?? (abilities.root && abilities.setpriv);
  return new QueuedBuilder({
    worker,
    secrets,
    index,
    identities: options.identities,
    uids,
    concurrent: options.build.concurrent,
  });
}

interface Parts {
  readonly worker: WorkerClient;
  readonly secrets: SecretGiver;
  readonly index: ArtifactIndex;
  readonly identities: Identities;
  readonly uids: boolean;
  readonly concurrent: number;
}

class QueuedBuilder implements Builder {
  readonly #parts: Parts;
  readonly #slots: Slots;
  readonly #flights = new Map<string, Flight>();
  /** Digests in use between their choice and the record of their name, with how many callers do so. */
  readonly #held = new Map<string, number>();
  /** What was held, or found by name, since each collection under way began. */
  readonly #touched = new Set<Set<string>>();
  readonly #leaving = new Map<string, Promise<void>>();
  #accepted = 0;

  get secretsRoot(): string {
    return this.#parts.secrets.root;
  }

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#slots = createSlots(Math.max(1, parts.concurrent));
  }

  async build(request: BuildRequest, onLog: (line: string) => void, signal: AbortSignal): Promise<Artifact> {
    const order = orderOf(request);
    const most = this.#parts.concurrent + maxWaiting;
    if (this.#accepted >= most) {
      throw new TinderboxError('queue-full', `${most} builds are running or waiting, the limit`, {
        retryAfterMs: 5000,
      });
    }
    this.#accepted += 1;
    try {
      return await this.#obtain(request, order, onLog, signal);
    } finally {
      this.#accepted -= 1;
    }
  }

  async #obtain(
    request: BuildRequest,
    order: BuildOrder,
    onLog: (line: string) => void,
    signal: AbortSignal,
  ): Promise<Artifact> {
    assertNotAborted(signal);
    const job = this.#parts.worker.start(order, request.secrets);
    const planned = await this.#plan(job, signal);
    const release = this.#hold(planned.digest);
    try {
      const artifact = await this.#find(request, planned, job, onLog, signal);
      await this.#parts.index.name(request.image, artifact, new Date().toISOString());
      return artifact;
    } finally {
      release();
    }
  }

  async #plan(job: WorkerJob, signal: AbortSignal): Promise<PlannedBuild> {
    const cancel = (): void => void job.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await job.planned;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  /** The equal artifact that is there, the equal build under way, or a build of our own. */
  async #find(
    request: BuildRequest,
    planned: PlannedBuild,
    job: WorkerJob,
    onLog: (line: string) => void,
    signal: AbortSignal,
  ): Promise<Artifact> {
    let there: Artifact | undefined;
    try {
      there = await this.#lookUp(planned.digest, request.noCache);
      assertNotAborted(signal);
    } catch (error) {
      await job.cancel();
      throw error;
    }
    const underWay = this.#flights.get(planned.digest);
    if (there === undefined && underWay === undefined) {
      return await this.#launch(request, planned, job).join(onLog, signal);
    }
    void job.cancel();
    if (there === undefined) return await (underWay as Flight).join(onLog, signal);
    onLog(`nothing changed since ${there.builtAt}: taking the artifact that is there`);
    return there;
  }

  async #lookUp(digest: string, noCache: boolean): Promise<Artifact | undefined> {
    for (let last = this.#flights.get(digest); last?.abandoned === true; last = this.#flights.get(digest)) {
      await last.settled;
    }
    await this.#leaving.get(digest)?.catch(() => undefined);
    return noCache || this.#flights.has(digest) ? undefined : await this.#parts.index.find(digest);
  }

  #launch(request: BuildRequest, planned: PlannedBuild, job: WorkerJob): Flight {
    const { digest } = planned;
    const flight = createFlight(async (log, signal) => {
      try {
        return await this.#run(request.namespace, planned, job, log, signal);
      } finally {
        await job.cancel();
        this.#flights.delete(digest);
      }
    });
    this.#flights.set(digest, flight);
    return flight;
  }

  async #run(
    namespace: string,
    planned: PlannedBuild,
    job: WorkerJob,
    log: (line: string) => void,
    signal: AbortSignal,
  ): Promise<Artifact> {
    const giveBack = await this.#slots.take(signal);
    const cancel = (): void => void job.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const grant = await this.#grant(namespace, planned);
      assertNotAborted(signal);
      const built = await job.go(grant, log);
      const gid = grant.artifactGid === undefined ? {} : { gid: grant.artifactGid };
      return await this.#parts.index.record(planned.digest, { ...gid, ...built, builtAt: new Date().toISOString() });
    } finally {
      signal.removeEventListener('abort', cancel);
      giveBack();
    }
  }

  async #grant(namespace: string, planned: PlannedBuild): Promise<BuildGrant> {
    const { identities, uids } = this.#parts;
    if (!uids) return { artifactGid: undefined, buildUid: undefined };
    return {
      artifactGid: await identities.assign('artifact', planned.digest.slice('sha256:'.length)),
      buildUid: planned.confines ? await identities.assign('build', namespace) : undefined,
    };
  }

  #hold(digest: string): () => void {
    this.#touch(digest);
    this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
    return () => {
      const count = (this.#held.get(digest) ?? 1) - 1;
      if (count === 0) this.#held.delete(digest);
      else this.#held.set(digest, count);
    };
  }

  #touch(digest: string): void {
    for (const touched of this.#touched) touched.add(digest);
  }

  async resolve(image: string): Promise<Artifact | undefined> {
    const artifact = await this.#parts.index.resolve(image);
    if (artifact !== undefined) this.#touch(artifact.digest);
    return artifact;
  }

  artifact(digest: string): Promise<Artifact | undefined> {
    return this.#parts.index.find(digest);
  }

  images(): Promise<readonly { readonly image: string; readonly digest: string; readonly builtAt: string }[]> {
    return this.#parts.index.images();
  }

  async collect(keep: ReadonlySet<string>): Promise<readonly string[]> {
    const touched = new Set(this.#held.keys());
    this.#touched.add(touched);
    try {
      return await this.#collectBut(keep, touched);
    } finally {
      this.#touched.delete(touched);
    }
  }

  /** `touched` grows meanwhile: removing takes long. */
  async #collectBut(keep: ReadonlySet<string>, touched: ReadonlySet<string>): Promise<readonly string[]> {
    const { index } = this.#parts;
    const recorded = await index.digests();
    const kept = new Set(keep);
    for (const { digest } of await index.images()) kept.add(digest);
    const gone: string[] = [];
    for (const digest of recorded) {
      if (kept.has(digest) || touched.has(digest)) continue;
      const leaving = index.remove(digest).finally(() => this.#leaving.delete(digest));
      this.#leaving.set(digest, leaving);
      await leaving;
      gone.push(digest);
    }
    return gone;
  }

  async close(): Promise<void> {
    await this.#parts.worker.close();
    await this.#parts.secrets.close();
  }
}

function orderOf(request: BuildRequest): BuildOrder {
  assertName('namespace', request.namespace);
  assertImageName(request.image);
  assertBuildArgs(request.buildArgs);
  const { namespace, directory, language, process, mode, buildArgs } = request;
  return { namespace, directory, language, process, mode, buildArgs };
}

function assertNotAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new TinderboxError('canceled', 'the build was canceled');
}
