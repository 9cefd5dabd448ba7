import type { Engine, InstanceChange, Workload } from '../../src/engine/engine.ts';
import type { Instance, InstanceState } from '../../src/model/instance.ts';
import type { LogLine } from '../../src/model/log-line.ts';
import type { RevisionId } from '../../src/model/names.ts';

/** What an image does when it is started: taken from its name, `broken:1` fails, `slow:1` stays starting. */
type Behaviour = 'good' | 'broken' | 'slow';

const protections = {
  cgroup: 'none',
  noNewPrivileges: false,
  mountNamespace: false,
  pidNamespace: false,
  network: 'host',
  memoryLimit: 'none',
  missing: [],
} as const;

/** An engine without processes: instances change state on the next turn of the loop, as their artifact says. */
export class ScriptedEngine implements Engine {
  readonly name = 'scripted';
  readonly capabilities = { artifacts: 'bundle', keepsCount: false, adopts: true } as const;
  readonly workloads = new Map<RevisionId, Workload>();
  readonly removed: RevisionId[] = [];
  /** Throws from `apply` when it returns something. */
  rejectApply: (workload: Workload) => Error | undefined = () => undefined;
  readonly #counts = new Map<RevisionId, number>();
  readonly #instances = new Map<string, Instance>();
  readonly #listeners = new Set<(change: InstanceChange) => void>();
  readonly #turns = new Set<NodeJS.Timeout>();
  readonly #behaviour: (artifact: string) => Behaviour;
  #next = 1;

  constructor(behaviour: (artifact: string) => Behaviour) {
    this.#behaviour = behaviour;
  }

  async start(): Promise<void> {}

  async close(): Promise<void> {
    for (const turn of this.#turns) clearTimeout(turn);
    this.#listeners.clear();
  }

  async apply(workload: Workload): Promise<void> {
    const error = this.rejectApply(workload);
    if (error !== undefined) throw error;
    this.workloads.set(workload.revision, workload);
  }

  async remove(revision: RevisionId): Promise<void> {
    this.workloads.delete(revision);
    this.#counts.delete(revision);
    this.removed.push(revision);
    for (const instance of this.live(revision)) this.#stop(instance);
  }

  async scale(revision: RevisionId, count: number): Promise<void> {
    if (!this.workloads.has(revision)) throw new Error(`${revision} was scaled before it was applied`);
    this.#counts.set(revision, count);
    this.#reconcile(revision);
  }

  retire(): void {}

  async ownsAddress(): Promise<boolean> {
    return true;
  }

  instances(): readonly Instance[] {
    return [...this.#instances.values()];
  }

  watch(listener: (change: InstanceChange) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async *logs(query: { namespace: string; name: string; instance?: string }): AsyncIterable<LogLine> {
    const { namespace, name, instance = 'any' } = query;
    yield { namespace, name, instance, timestamp: new Date().toISOString(), text: 'last words', stream: 'stderr' };
  }

  live(revision?: RevisionId): readonly Instance[] {
    return this.instances().filter(
      (each) =>
        (each.state === 'starting' || each.state === 'ready') && (revision === undefined || each.revision === revision),
    );
  }

  /** Lets an instance that stays starting become ready, or fail. */
  settle(revision: RevisionId, state: 'ready' | 'failed'): void {
    for (const instance of this.live(revision)) {
      if (instance.state === 'starting') this.#become(instance, state, state === 'failed' ? 'told to' : undefined);
    }
  }

  /** Drops all record of what ended, as an engine does that runs for long. */
  forgetEnded(): void {
    this.removed.length = 0;
    for (const [id, { state }] of this.#instances) {
      if (state === 'stopped' || state === 'failed') this.#instances.delete(id);
    }
  }

  #reconcile(revision: RevisionId): void {
    const live = this.live(revision);
    const count = this.#counts.get(revision) ?? 0;
    for (const instance of live.slice(count)) this.#stop(instance);
    for (let i = live.length; i < count; i += 1) this.#startOne(revision);
  }

  #startOne(revision: RevisionId): void {
    const digest = this.workloads.get(revision)?.artifact.digest ?? '';
    const instance: Instance = {
      id: `i${this.#next++}`,
      revision,
      state: 'starting',
      address: { kind: 'http', host: '127.0.0.1', port: 1 },
      concurrency: 1,
      startedAtMs: 0,
      pooled: false,
      protections,
    };
    this.#tell(instance);
    const behaviour = this.#behaviour(digest);
    if (behaviour === 'slow') return;
    this.#later(0, () => {
      if (this.#instances.get(instance.id)?.state !== 'starting') return;
      this.#become(instance, behaviour === 'good' ? 'ready' : 'failed', 'it threw');
      if (behaviour === 'broken') this.#later(2, () => this.#reconcile(revision));
    });
  }

  #stop(instance: Instance): void {
    this.#become(instance, 'draining');
    this.#later(0, () => this.#become(instance, 'stopped'));
  }

  #become(instance: Instance, state: InstanceState, reason?: string): void {
    this.#tell({ ...instance, state, ...(state === 'failed' && reason !== undefined ? { reason } : {}) });
  }

  #tell(instance: Instance): void {
    this.#instances.set(instance.id, instance);
    for (const listener of this.#listeners) listener({ instance });
  }

  #later(ms: number, run: () => void): void {
    const turn = setTimeout(() => {
      this.#turns.delete(turn);
      run();
    }, ms);
    this.#turns.add(turn);
  }
}
