import type { ChildProcess } from 'node:child_process';

/** Time a program has between SIGTERM and SIGKILL. */
const politeMs = 2000;

/** A program started as the leader of its own process group, and whatever it starts in there. */
export class ProcessGroup {
  readonly #leader: ChildProcess;
  #timer: NodeJS.Timeout | undefined;

  constructor(leader: ChildProcess) {
    this.#leader = leader;
  }

  /** SIGTERM now, SIGKILL a little later. */
  stop(): void {
    if (this.#timer !== undefined) return;
    this.#signal('SIGTERM');
    this.#timer = setTimeout(() => this.#signal('SIGKILL'), politeMs);
  }

  /** Kills what the leader left behind; call when it has exited. */
  sweep(): void {
    clearTimeout(this.#timer);
    this.#signal('SIGKILL');
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#leader;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Nobody is left in the group.
    }
  }
}
