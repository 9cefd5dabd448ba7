import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { destroyCage } from '../../../sandbox/cage.ts';
import { OomCounter } from '../../../sandbox/oom-counter.ts';
import { programExit, signalProgram } from '../../../sandbox/program.ts';
import { killGroup } from './kill-group.ts';
import type { LogFiles } from './log-files.ts';
import { ProgramOutput } from './program-output.ts';
import type { Ending, LogTarget, ProgramReport, SpawnRequest } from './protocol.ts';

/** A line without newline waits this long for its end, and a kill for memory to be told. */
const lookIntervalMs = 1000;
/** After the end, how long the pipes may still deliver; a stranger may hold them open. */
const pipesGraceMs = 500;
const maxStatusBytes = 64;

interface ProgramHooks {
  onListening(): void;
  onExiting(): void;
  onEnded(ending: Ending): void;
}

/**
 * One program from its start to its last byte.
 *
 * 1. Whatever ends it, its cage is emptied before the end is told, so nothing outlives it unseen.
 * 2. The first reason wins: a program that was asked to stop is `canceled`, however it ends.
 * 3. The end is told after its output was read and written.
 */
export class Program {
  readonly #request: SpawnRequest;
  readonly #child: ChildProcess;
  readonly #output: ProgramOutput;
  readonly #logs: LogFiles;
  readonly #hooks: ProgramHooks;
  readonly #oomCounter: OomCounter;
  readonly #startedAtMs = performance.now();
  readonly #flushTimer: NodeJS.Timeout;
  readonly #closed: Promise<unknown>;
  #stopTimer: NodeJS.Timeout | undefined;
  #note: string | undefined;
  #listening = false;
  #canceled = false;
  #exited = false;
  #oomKills = 0;
  #ending: Ending | undefined;

  /** `child` is running already, spawned as leader of its own process group with a pipe at fd 3. */
  constructor(request: SpawnRequest, child: ChildProcess, output: ProgramOutput, logs: LogFiles, hooks: ProgramHooks) {
    this.#request = request;
    this.#child = child;
    this.#output = output;
    this.#logs = logs;
    this.#hooks = hooks;
    this.#oomCounter = new OomCounter(request.cage);
    child.stdout?.on('data', (chunk: Buffer) => this.#output.accept('o', chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#output.accept('e', chunk));
    this.#watchStatus(child.stdio[3] as Readable | null);
    this.#flushTimer = setInterval(() => {
      this.#output.flush();
      void this.#lookForOomKills();
    }, lookIntervalMs);
    this.#closed = new Promise((resolve) => child.once('close', resolve));
    child.once('exit', (code, signal) => void this.#end(code, signal));
    if (request.log !== undefined) this.assign(request.log);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get lastLines(): readonly string[] {
    return this.#output.lastLines;
  }

  assign(log: LogTarget): void {
    if (this.#output.destination !== undefined) return;
    this.#output.assign(this.#logs.acquire(log.directory), log.instance);
  }

  remember(note: string): void {
    this.#note = note;
  }

  /** SIGTERM to the program, and everything in its cage killed after the grace. */
  stop(graceMs: number): void {
    if (this.#exited || this.#stopTimer !== undefined) return;
    this.#canceled = true;
    this.#stopTimer = setTimeout(() => void this.kill(), graceMs);
    void signalProgram(this.pid, 'SIGTERM');
  }

  async kill(): Promise<void> {
    if (this.#exited) return;
    this.#canceled = true;
    killGroup(this.pid);
    await destroyCage(this.#request.cage, { leader: this.pid }).catch(() => undefined);
  }

  report(): ProgramReport {
    return {
      id: this.#request.id,
      pid: this.pid,
      cage: this.#request.cage,
      listening: this.#listening,
      ...(this.#note === undefined ? {} : { note: this.#note }),
      ...(this.#ending === undefined ? {} : { ending: this.#ending }),
    };
  }

  #watchStatus(status: Readable | null): void {
    let text = '';
    status?.on('error', () => status.destroy());
    status?.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const told = text.includes('listening\n');
      if (told || text.length > maxStatusBytes) status.destroy();
      if (!told || this.#listening) return;
      this.#listening = true;
      this.#hooks.onListening();
    });
  }

  async #end(code: number | null, signalName: string | null): Promise<void> {
    const durationMs = performance.now() - this.#startedAtMs;
    this.#exited = true;
    clearTimeout(this.#stopTimer);
    this.#hooks.onExiting();
    const { cage } = this.#request;
    const { exitCode, signal } = programExit(this.#request, code, signalName);
    if (cage.version === 'none') killGroup(this.pid);
    const oomKills = await this.#oomCounter.read();
    const oomKilled = oomKills > this.#oomKills || (oomKills > 0 && signal === 'SIGKILL');
    await destroyCage(cage, { leader: this.pid }).catch(() => undefined);
    await this.#pipesRead();
    const canceled = this.#canceled;
    const ok = exitCode === 0 && !oomKilled && !canceled;
    const outcome = { ok, timedOut: false, canceled, oomKilled: oomKilled && !canceled, exitCode, signal, durationMs };
    await this.#finishOutput(exitCode, signal, oomKilled);
    this.#ending = { outcome, lastLines: this.lastLines };
    this.#hooks.onEnded(this.#ending);
  }

  /** A program that survives the one it started has to be told apart from one that was killed itself. */
  async #lookForOomKills(): Promise<void> {
    const kills = await this.#oomCounter.read();
    if (this.#exited || kills <= this.#oomKills) return;
    this.#oomKills = kills;
    this.#output.system('one of its processes was killed: together they used more memory than the limit');
  }

  async #pipesRead(): Promise<void> {
    const gone = new AbortController();
    const late = new Promise((resolve) => {
      const timer = setTimeout(resolve, pipesGraceMs);
      gone.signal.addEventListener('abort', () => clearTimeout(timer));
    });
    await Promise.race([this.#closed, late]);
    gone.abort();
    for (const pipe of this.#child.stdio) pipe?.destroy();
    clearInterval(this.#flushTimer);
  }

  async #finishOutput(exitCode: number | null, signal: string | null, oomKilled: boolean): Promise<void> {
    this.#output.flush();
    const file = this.#output.destination;
    if (file === undefined) return;
    if (!this.#canceled) this.#output.system(formatEnd(exitCode, signal, oomKilled));
    await this.#logs.release(file);
  }
}

function formatEnd(exitCode: number | null, signal: string | null, oomKilled: boolean): string {
  if (oomKilled) return 'killed: it used more memory than its limit';
  return signal === null ? `exited with code ${exitCode ?? 'unknown'}` : `ended by ${signal}`;
}
