import type { Outcome } from '../../model/outcome.ts';
import type { Copy, CopyEnding, ReadyCopy } from '../runner.ts';
import type { FakeScript } from './engine.ts';

/** One pretended program; what a real one would do by itself is done here by script or by hand. */
export class FakeCopy implements Copy {
  readonly ready: Promise<ReadyCopy>;
  readonly exiting: Copy['exiting'];
  readonly ended: Promise<CopyEnding>;
  readonly #id: string;
  readonly #script: FakeScript;
  readonly #write: (text: string) => void;
  readonly #ready = Promise.withResolvers<ReadyCopy>();
  readonly #ended = Promise.withResolvers<CopyEnding>();
  readonly #startedAtMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #readyAlready = false;

  constructor(id: string, script: FakeScript, write: (text: string) => void) {
    this.#id = id;
    this.#script = script;
    this.#write = write;
    this.ready = this.#ready.promise;
    this.ended = this.#ended.promise;
    this.exiting = this.#ended.promise;
    if (script.start !== 'hand') this.#timer = setTimeout(() => this.#start(), script.startDelayMs ?? 0);
  }

  becomeReady(): void {
    this.#writeLines();
    this.#readyAlready = true;
    this.#ready.resolve({
      address: { kind: 'frame', socketPath: `/fake/${this.#id}`, owner: 0 },
      pooled: false,
      protections: {
        cgroup: 'none',
        noNewPrivileges: false,
        mountNamespace: false,
        pidNamespace: false,
        network: 'host',
        memoryLimit: 'none',
        missing: ['everything: there is no process'],
      },
    });
    const { exitAfterMs } = this.#script;
    if (exitAfterMs !== undefined) this.#timer = setTimeout(() => this.exit(1), exitAfterMs);
  }

  /** Ends it as if it had exited by itself. */
  exit(exitCode: number, reason = `exited with code ${exitCode}`): void {
    this.#end({ exitCode, ok: exitCode === 0 }, reason);
  }

  stop(graceMs: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    clearTimeout(this.#timer);
    const waits = this.#script.ignoresStop === true && this.#readyAlready;
    const end = (): void =>
      this.#end({ canceled: true, ...(waits ? { signal: 'SIGKILL' } : { exitCode: 0 }) }, undefined);
    this.#timer = setTimeout(end, waits ? graceMs : 0);
  }

  #start(): void {
    const reason = this.#script.startError;
    if (reason === undefined) {
      this.becomeReady();
      return;
    }
    this.#writeLines();
    this.exit(1, [reason, ...(this.#script.lines ?? [])].join('\n'));
  }

  #writeLines(): void {
    for (const line of this.#script.lines ?? []) this.#write(line);
  }

  #end(facts: Partial<Outcome>, reason: string | undefined): void {
    clearTimeout(this.#timer);
    const outcome: Outcome = {
      ok: false,
      timedOut: false,
      canceled: false,
      oomKilled: false,
      exitCode: null,
      signal: null,
      durationMs: performance.now() - this.#startedAtMs,
      ...facts,
    };
    this.#ended.resolve({ outcome, blameless: false, ...(reason === undefined ? {} : { reason }) });
  }
}
