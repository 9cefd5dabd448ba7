import { TinderboxError } from '../../model/errors.ts';
import type { ExecCommand, ExecSession } from '../../model/exec.ts';
import type { Instance } from '../../model/instance.ts';
import type { LogLine, LogQuery } from '../../model/log-line.ts';
import type { RevisionId } from '../../model/names.ts';
import type { Engine, EngineCapabilities, InstanceChange, Workload } from '../engine.ts';
import { Supervisor } from '../supervisor.ts';
import { FakeCopy } from './copy.ts';
import { FakeExec } from './exec.ts';
import { FakeLogs } from './logs.ts';

/** How copies of a workload behave when nobody steers them by hand. */
export interface FakeScript {
  /** `hand`: it waits for {@link FakeCopy.becomeReady}. Default `ready`: at once. */
  readonly start?: 'ready' | 'hand';
  /** Time a start takes that is not steered by hand; default 0. */
  readonly startDelayMs?: number;
  /** Why every start fails; undefined: it does not. */
  readonly startError?: string;
  /** Ends by itself this long after it became ready, with exit code 1. */
  readonly exitAfterMs?: number;
  /** Lines written when it becomes ready, or before it fails. */
  readonly lines?: readonly string[];
  /** Ends only when its grace is over. */
  readonly ignoresStop?: boolean;
}

interface FakeEngineOptions {
  /** Script of each workload; default: ready at once, runs for ever. */
  readonly script?: (workload: Workload) => FakeScript;
  /** Error with which `apply` refuses; undefined: it takes the workload. */
  readonly refuse?: (workload: Workload) => TinderboxError | undefined;
  readonly stableAfterMs?: number;
  readonly whenIdle?: (instanceId: string) => Promise<void>;
}

/** An engine without processes, for tests of other parts: counts, states and back-off are the real ones. */
export class FakeEngine implements Engine {
  readonly name = 'fake';
  readonly capabilities: EngineCapabilities = { artifacts: 'bundle', keepsCount: false, adopts: false };
  readonly #copies = new Map<string, FakeCopy>();
  readonly #logs = new FakeLogs();
  readonly #supervisor: Supervisor;

  constructor(options: FakeEngineOptions = {}) {
    const { script, refuse, ...rest } = options;
    this.#supervisor = new Supervisor({
      ...rest,
      runner: {
        check(workload) {
          const refusal = refuse?.(workload);
          if (refusal !== undefined) throw refusal;
        },
        run: (workload, id) => this.#run(workload, id, script?.(workload) ?? {}),
      },
    });
  }

  /** The copy behind a living instance, to be steered. Throws `not-found` for any other. */
  copy(instanceId: string): FakeCopy {
    const copy = this.#copies.get(instanceId);
    if (copy === undefined) throw new TinderboxError('not-found', `instance "${instanceId}" is not running`);
    return copy;
  }

  async start(): Promise<void> {}

  close(): Promise<void> {
    return this.#supervisor.close();
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
    return this.#copies.has(instanceId);
  }

  async exec(instanceId: string, command: ExecCommand): Promise<ExecSession> {
    return new FakeExec(command, this.copy(instanceId).ended);
  }

  instances(): readonly Instance[] {
    return this.#supervisor.table.all();
  }

  watch(listener: (change: InstanceChange) => void): () => void {
    return this.#supervisor.table.watch(listener);
  }

  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> {
    return this.#logs.read(query, signal);
  }

  #run(workload: Workload, id: string, script: FakeScript): FakeCopy {
    const write = (text: string): void => this.#logs.write(workload, id, text);
    const copy = new FakeCopy(id, script, write);
    this.#copies.set(id, copy);
    void copy.ended.then(() => this.#copies.delete(id));
    return copy;
  }
}

export function createFakeEngine(options?: FakeEngineOptions): FakeEngine {
  return new FakeEngine(options);
}
