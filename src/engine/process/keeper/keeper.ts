import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { ExecRuns } from './exec-runs.ts';
import type { Journal, ProgramRecord } from './journal.ts';
import { LogFiles } from './log-files.ts';
import { readBootId, readIdentity } from './process-identity.ts';
import { Program } from './program.ts';
import { ProgramOutput } from './program-output.ts';
import type {
  Ending,
  ExecOrder,
  KeeperConfig,
  KeeperEvent,
  LogTarget,
  ProgramReport,
  SpawnRequest,
} from './protocol.ts';
import { removeTraces } from './remove-traces.ts';
import { spawnProgram } from './spawn-program.ts';

/** A program that no signal ends (it hangs in the kernel) is left to the next sweep after this. */
const unkillableMs = 10_000;
/** Ends kept for a platform that is away; more than that many crashes are one story. */
const maxKeptEnds = 1000;

/**
 * Holds every program of one platform.
 *
 * Owns the programs, their records on disk and their logs. Knows nothing of sockets or platforms: what happens goes to
 * `onEvent`, which says whether somebody heard it.
 *
 * 1. A program is on record before it is started, and off record only when its cage is empty and, where nobody else
 *    will, its directories are removed: at whatever moment the keeper is killed, what it began can be found.
 * 2. An end nobody heard is kept for the next `list`, once, and the program's directories are removed.
 */
export class Keeper {
  readonly #config: KeeperConfig;
  readonly #journal: Journal;
  readonly #logs: LogFiles;
  readonly #onEvent: (event: KeeperEvent) => boolean;
  readonly #bootId = readBootId();
  readonly #self = readIdentity(process.pid);
  readonly #programs = new Map<string, Program>();
  readonly #execs: ExecRuns;
  #unheardEnds: ProgramReport[] = [];
  /** Programs that ended and whose directories are being removed. */
  #removing = 0;
  #onEmpty: (() => void) | undefined;

  constructor(config: KeeperConfig, journal: Journal, onEvent: (event: KeeperEvent) => boolean) {
    this.#config = config;
    this.#journal = journal;
    this.#logs = new LogFiles(config.logFileBytes);
    this.#onEvent = onEvent;
    this.#execs = new ExecRuns(journal);
  }

  async spawn(request: SpawnRequest): Promise<{ readonly pid: number }> {
    const { id } = request;
    const child = await this.#spawnOnRecord(request);
    const pid = child.pid ?? 0;
    const output = new ProgramOutput(this.#config.logBytesPerSecond);
    const program = new Program(request, child, output, this.#logs, {
      onListening: () => void this.#onEvent({ event: 'listening', id }),
      onExiting: () => {
        this.#execs.endWith(id);
        this.#onEvent({ event: 'exiting', id });
      },
      onEnded: (ending) => this.#ended(request, ending),
    });
    this.#programs.set(id, program);
    return { pid };
  }

  has(id: string): boolean {
    return this.#programs.has(id);
  }

  /** Starts a command that joins a program; from the answer on the socket is the command's. */
  async exec(order: ExecOrder, socket: Socket, answer: (pid: number) => void): Promise<void> {
    if (!this.has(order.programId)) throw new TypeError(`program "${order.programId}" is over`);
    await this.#execs.start(order, socket, answer);
    // It may have ended while the command was being started, and nobody would tell that one.
    if (!this.has(order.programId)) this.#execs.endWith(order.programId);
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

  /** Kills everything and resolves when it is gone; after 10 s also when something cannot be killed, which stays on record. */
  async killAll(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    for (const program of this.#programs.values()) void program.kill();
    this.#tellIfEmpty();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, unkillableMs);
    await Promise.race([Promise.all([promise, this.#execs.killAll()]), late.promise]);
    clearTimeout(timer);
  }

  /** Fails before anything runs, or the program is on record. */
  async #spawnOnRecord(request: SpawnRequest): Promise<ChildProcess> {
    const { id, cage } = request;
    const record: ProgramRecord = { bootId: this.#bootId, keeper: this.#self, cage };
    this.#journal.put(id, record);
    let child: ChildProcess;
    try {
      child = await spawnProgram(request);
    } catch (error) {
      this.#journal.remove(id);
      throw error;
    }
    try {
      if (cage.version === 'none') this.#journal.put(id, { ...record, program: readIdentity(child.pid ?? 0) });
    } catch {
      // It still carries the mark of its cage.
    }
    return child;
  }

  #ended({ id, traces }: SpawnRequest, ending: Ending): void {
    const report = this.#programs.get(id)?.report();
    this.#programs.delete(id);
    const heard = this.#onEvent({ event: 'exited', id, ending });
    if (!heard && report !== undefined && this.#unheardEnds.length < maxKeptEnds) {
      this.#unheardEnds.push({ ...report, ending });
    }
    void this.#forget(id, heard ? [] : traces);
  }

  async #forget(id: string, traces: readonly string[]): Promise<void> {
    this.#removing += 1;
    await removeTraces(traces);
    this.#journal.remove(id);
    this.#removing -= 1;
    this.#tellIfEmpty();
  }

  #tellIfEmpty(): void {
    if (this.#programs.size === 0 && this.#removing === 0) this.#onEmpty?.();
  }
}
