import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeExecFrame, type ExecFrame, ExecFrameReader } from '../../../model/exec-frame.ts';
import type { ExecOutput, TerminalSize } from '../../../model/exec.ts';
import { destroyCage } from '../../../sandbox/cage.ts';
import { firstChild } from '../../../sandbox/program.ts';
import { killGroup } from './kill-group.ts';
import type { ExecOrder } from './protocol.ts';

/** After the end, how long a pipe that a stranger holds open may be silent before it is left. */
const quietMs = 500;
/** A signal waits this long for the command behind the processes that start it. */
const appearMs = 2000;
const lookMs = 20;

/**
 * One command that joined a program, and the connection that it belongs to.
 *
 * 1. The connection's end, the program's end and the command's own end all empty the cage: nothing outlives any of them.
 * 2. Output that is not read holds the command up; it never fills this process. Input is always read: the sender counts
 *    what it may send, so that a signal or the end of the connection is never behind bytes nobody takes.
 * 3. The end is told last, after all output.
 */
export class ExecRun {
  readonly ended: Promise<void>;
  readonly #order: ExecOrder;
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #reader = new ExecFrameReader();
  #exited = false;
  #lastOutputMs = 0;
  #held = false;
  #lost: string | undefined;

  /** `child` is running already, as leader of its own process group; the socket is paused and has been answered. */
  constructor(order: ExecOrder, child: ChildProcess, socket: Socket) {
    this.#order = order;
    this.#child = child;
    this.#socket = socket;
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const exited = new Promise<void>((resolve) => {
      child.once(
        'exit',
        (exitCode, signal) => void this.#end({ kind: 'exit', exitCode, signal }, closed).then(resolve),
      );
    });
    this.ended = exited;
    child.stdout?.on('data', (data: Buffer) => this.#write({ kind: 'stdout', data }));
    child.stderr?.on('data', (data: Buffer) => this.#write({ kind: 'stderr', data }));
    for (const pipe of child.stdio) pipe?.on('error', () => void pipe.destroy());
    socket.on('drain', () => this.#hold(false));
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.once('close', () => this.kill());
    socket.resume();
    if (socket.destroyed) this.kill();
  }

  get programId(): string {
    return this.#order.programId;
  }

  /** `because`: told instead of the exit that follows. */
  kill(because?: string): void {
    this.#lost ??= because;
    if (this.#exited) return;
    killGroup(this.#pid);
    void destroyCage(this.#order.cage, { leader: this.#pid }).catch(() => undefined);
  }

  get #pid(): number {
    return this.#child.pid ?? 0;
  }

  #take(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#input(frame);
    } catch {
      this.#socket.destroy();
    }
  }

  #input(frame: ExecFrame): void {
    if (frame.kind === 'stdin') this.#stdin(frame.data);
    else if (frame.kind === 'stdin-end') this.#child.stdin?.end();
    else if (frame.kind === 'resize') this.#resize(frame);
    else if (frame.kind === 'signal' && frame.signal === 'SIGKILL') this.kill();
    else if (frame.kind === 'signal') void this.#signal(frame.signal);
  }

  #stdin(data: Buffer): void {
    const credit = (): void => void this.#tell({ kind: 'credit', bytes: data.length });
    const { stdin } = this.#child;
    // What nobody will read any more is taken all the same: its sender may have more to say.
    if (stdin === null || !stdin.writable) credit();
    else stdin.write(data, credit);
  }

  #resize({ rows, columns }: TerminalSize): void {
    const pipe = this.#order.terminal ? (this.#child.stdio[3] as Writable | null) : null;
    if (pipe?.writable === true) pipe.write(`${rows} ${columns}\n`);
  }

  async #signal(signal: NodeJS.Signals): Promise<void> {
    const endMs = performance.now() + appearMs;
    while (!this.#exited && performance.now() < endMs) {
      const pid = await this.#command();
      if (pid !== undefined && !this.#exited) {
        sendSignal(pid, signal);
        return;
      }
      await delay(lookMs);
    }
  }

  async #command(): Promise<number | undefined> {
    let pid: number | undefined = this.#pid;
    for (let step = 0; step < this.#order.depth && pid !== undefined; step += 1) pid = await firstChild(pid);
    return pid;
  }

  #write(frame: ExecOutput): void {
    this.#lastOutputMs = performance.now();
    if (!this.#tell(frame)) this.#hold(true);
  }

  #tell(frame: ExecOutput): boolean {
    return this.#socket.writable ? this.#socket.write(encodeExecFrame(frame)) : true;
  }

  #hold(held: boolean): void {
    this.#held = held;
    for (const pipe of [this.#child.stdout, this.#child.stderr]) {
      if (held) pipe?.pause();
      else pipe?.resume();
    }
  }

  async #end(exit: ExecOutput, closed: Promise<void>): Promise<void> {
    this.#exited = true;
    const { cage } = this.#order;
    if (cage.version === 'none') killGroup(this.#pid);
    await destroyCage(cage, { leader: this.#pid }).catch(() => undefined);
    await this.#outputRead(closed);
    const lost = this.#lost;
    this.#tell(lost === undefined ? exit : { kind: 'error', code: 'unavailable', message: lost });
    this.#socket.end();
  }

  /** All who could write are dead, but a pipe may have been handed to somebody outside. */
  async #outputRead(closed: Promise<void>): Promise<void> {
    let over = false;
    void closed.then(() => {
      over = true;
    });
    this.#lastOutputMs = performance.now();
    while (!over && !this.#socket.destroyed) {
      if (!this.#held && performance.now() - this.#lastOutputMs > quietMs) break;
      await Promise.race([closed, delay(lookMs)]);
    }
    for (const pipe of this.#child.stdio) pipe?.destroy();
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended this moment; its exit is on its way.
  }
}
