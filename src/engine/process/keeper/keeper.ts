import { Journal } from './journal.ts';
import { killGroup } from './kill-group.ts';
import { LogFiles } from './log-files.ts';
import { readBootId, readStartTime } from './process-identity.ts';
import { Program } from './program.ts';
import { ProgramOutput } from './program-output.ts';
import type { Ending, KeeperConfig, KeeperEvent, LogTarget, ProgramReport, SpawnRequest } from './protocol.ts';
import { removeTraces } from './remove-traces.ts';
import { spawnProgram } from './spawn-program.ts';

/** Ends kept for a platform that is away; more than that many crashes are one story. */
const maxKeptEnds = 1000;

/**
 * Holds every program of one platform.
 *
 * Owns the programs, their records on disk and their logs. Knows nothing of sockets or platforms: what happens goes to
 * `onEvent`, which says whether somebody heard it.
 *
 * 1. A program is on record before its start is answered, and off record only when its cage is empty.
 * 2. An end nobody heard is kept for the next `list`, once, and the program's directories are removed.
 */
export class Keeper {
  readonly #config: KeeperConfig;
  readonly #journal: Journal;
  readonly #logs: LogFiles;
  readonly #onEvent: (event: KeeperEvent) => boolean;
  readonly #bootId = readBootId();
  readonly #programs = new Map<string, Program>();
  #unheardEnds: ProgramReport[] = [];
  #onEmpty: (() => void) | undefined;

  constructor(config: KeeperConfig, journal: Journal, onEvent: (event: KeeperEvent) => boolean) {
    this.#config = config;
    this.#journal = journal;
    this.#logs = new LogFiles(config.logFileBytes);
    this.#onEvent = onEvent;
  }

  async spawn(request: SpawnRequest): Promise<{ readonly pid: number }> {
    const child = await spawnProgram(request);
    const { id, cage } = request;
    const pid = child.pid ?? 0;
    try {
      this.#journal.add(id, { bootId: this.#bootId, pid, startTime: readStartTime(pid), cage });
    } catch (error) {
      // What is not on record could never be found again.
      killGroup(pid);
      throw error;
    }
    const output = new ProgramOutput(this.#config.logBytesPerSecond);
    const program = new Program(request, child, output, this.#logs, {
      onListening: () => void this.#onEvent({ event: 'listening', id }),
      onEnded: (ending) => this.#ended(request, ending),
    });
    this.#programs.set(id, program);
    return { pid };
  }

  has(id: string): boolean {
    return this.#programs.has(id);
  }

  /** Requests for a program that ended meanwhile are answered like any other: its end is told by an event. */
  assign(id: string, log: LogTarget): void {
    this.#programs.get(id)?.assign(log);
  }

  remember(id: string, note: string): void {
    this.#programs.get(id)?.remember(note);
  }

  stop(id: string, graceMs: number): void {
    this.#programs.get(id)?.stop(graceMs);
  }

  kill(id: string): void {
    void this.#programs.get(id)?.kill();
  }

  lastLines(id: string): readonly string[] {
    return this.#programs.get(id)?.lastLines ?? [];
  }

  /** Living programs, and those that ended while nobody listened. */
  list(): readonly ProgramReport[] {
    const unheard = this.#unheardEnds;
    this.#unheardEnds = [];
    return [...unheard, ...[...this.#programs.values()].map((program) => program.report())];
  }

  /** Kills everything and resolves when it is gone. */
  async killAll(): Promise<void> {
    if (this.#programs.size === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const program of this.#programs.values()) void program.kill();
    await empty;
  }

  #ended({ id, traces }: SpawnRequest, ending: Ending): void {
    const report = this.#programs.get(id)?.report();
    this.#programs.delete(id);
    this.#journal.remove(id);
    const heard = this.#onEvent({ event: 'exited', id, ending });
    if (!heard) removeTraces(traces);
    if (!heard && report !== undefined && this.#unheardEnds.length < maxKeptEnds) {
      this.#unheardEnds.push({ ...report, ending });
    }
    if (this.#programs.size === 0) this.#onEmpty?.();
  }
}
