/**
 * One call: a process of its own, its stdin the request, its stdout the answer.
 *
 * Owns: the process and its group, the pipes, when the call is over. Does not own: how many run at once (instance.ts).
 * 1. The call is over when its process ended and its pipes are closed; only then is the slot given back, whatever the
 *    caller does. What the process left in its group is killed then.
 * 2. Until the first byte of the answer was sent, the exit status decides the status; afterwards a bad exit breaks it off.
 * 3. No more than `heldBytes` of an answer are held here, and no more of a request than its window.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { formatReplyHead, type RequestHead } from '../../frame/head-text.ts';
import { frameType } from '../../frame/messages.ts';
import type { FrameStream, StreamListener } from '../../frame/stream.ts';
import { contentTypeFor, environmentFor, type ForkPlan } from './fork-plan.ts';
import { MarkedLines } from './marked-lines.ts';
import { ProcessGroup } from './process-group.ts';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** An answer larger than this is sent on before its process ended. */
const heldBytes = 1024 * 1024;
/** Time the pipes have to close after the process ended: somebody outside its group may hold them. */
const lingerMs = 500;
const noBytes = Buffer.alloc(0);

export class ForkCall implements StreamListener {
  readonly #plan: ForkPlan;
  readonly #head: RequestHead;
  readonly #stream: FrameStream;
  readonly #onOver: () => void;
  readonly #startedMs = performance.now();
  readonly #log: MarkedLines;
  #child: Child | undefined;
  #group: ProcessGroup | undefined;
  #linger: NodeJS.Timeout | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #sentHead = false;
  #stopped = false;
  #over = false;

  constructor(plan: ForkPlan, head: RequestHead, stream: FrameStream, onOver: () => void) {
    this.#plan = plan;
    this.#head = head;
    this.#stream = stream;
    this.#onOver = onOver;
    this.#log = new MarkedLines(head.callId, (lines) => process.stderr.write(lines));
  }

  /** Starts the process; the call is over some time later, also when that fails. */
  start(hasBody: boolean): void {
    const { file, args, cwd } = this.#plan;
    let child: Child;
    try {
      // Its own process group, so that all of it can be ended.
      child = spawn(file, args, { cwd, env: environmentFor(this.#plan, this.#head), detached: true, stdio: 'pipe' });
    } catch (error) {
      this.#couldNotStart(error as Error);
      return;
    }
    this.#child = child;
    this.#group = new ProcessGroup(child);
    child.on('error', (error) => this.#couldNotStart(error));
    child.on('exit', () => this.#exited(child));
    child.on('close', (code, signal) => this.#closed(code, signal));
    // A program need not read all of its input.
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (bytes: Buffer) => this.#output(bytes));
    child.stderr.on('data', (bytes: Buffer) =>
      this.#plan.combinesOutput ? this.#output(bytes) : this.#logged(bytes, child.stderr),
    );
    if (!hasBody) child.stdin.end();
  }

  /** Only replies have a second head. */
  head(): void {}

  data(bytes: Buffer, end: boolean): void {
    const stdin = this.#child?.stdin;
    if (stdin === undefined || stdin.destroyed || !stdin.writable) {
      this.#stream.consumed(bytes.length);
      return;
    }
    if (bytes.length > 0) stdin.write(bytes, () => this.#stream.consumed(bytes.length));
    if (end) stdin.end();
  }

  /** Trailers of a request end its body; a process has no place for them. */
  trailers(): void {
    this.data(noBytes, true);
  }

  /** Nobody waits any more. The slot stays taken until the process has ended. */
  stopped(): void {
    if (this.#over || this.#stopped) return;
    this.#stopped = true;
    this.#drop();
    this.#child?.stdin.destroy();
    this.#child?.stdout.resume();
    this.#group?.stop();
  }

  #output(bytes: Buffer): void {
    if (this.#stopped) return;
    if (!this.#sentHead) {
      this.#held.push(bytes);
      this.#heldBytes += bytes.length;
      if (this.#plan.streams || this.#heldBytes > heldBytes) this.#streamOn();
      return;
    }
    this.#send(bytes);
  }

  /** A program may write faster than its lines are taken. */
  #logged(bytes: Buffer, pipe: Readable): void {
    this.#log.push(bytes);
    if (!process.stderr.writableNeedDrain) return;
    pipe.pause();
    process.stderr.once('drain', () => pipe.resume());
  }

  /** From here on output is sent as it comes. */
  #streamOn(): void {
    if (!this.#sendHead(200, undefined, [], this.#isBodyless)) return;
    const held = Buffer.concat(this.#held);
    this.#drop();
    if (held.length > 0) this.#send(held);
  }

  #send(bytes: Buffer): void {
    if (this.#isBodyless || this.#stream.data(bytes, false)) return;
    const pipes = [this.#child?.stdout, this.#child?.stderr];
    for (const pipe of pipes) pipe?.pause();
    this.#stream.onWritable = () => {
      for (const pipe of pipes) pipe?.resume();
    };
  }

  #exited(child: Child): void {
    this.#group?.sweep();
    this.#linger = setInterval(() => {
      // What the process wrote is still to be read when the caller, or the log, is ready for more.
      if (child.stdout.isPaused() || child.stderr.isPaused()) return;
      child.stdout.destroy();
      child.stderr.destroy();
    }, lingerMs);
  }

  #closed(code: number | null, signal: string | null): void {
    this.#log.end();
    if (this.#over) return;
    if (this.#stopped) this.#fail('canceled', 'the process was ended');
    else if (this.#sentHead) this.#endStreamed(code, signal);
    else this.#answer(code, signal);
    this.#finish();
  }

  #endStreamed(code: number | null, signal: string | null): void {
    if (code === 0) this.#stream.data(noBytes, true);
    else this.#fail('failed', describeExit(code, signal));
  }

  #answer(code: number | null, signal: string | null): void {
    const said = Buffer.concat(this.#held);
    this.#drop();
    const duration = ['X-Duration-Seconds', ((performance.now() - this.#startedMs) / 1000).toFixed(6)];
    if (code === 0) this.#reply(200, said, duration);
    else this.#reply(500, Buffer.concat([Buffer.from(`${describeExit(code, signal)}\n`), said]), duration);
  }

  #couldNotStart(error: Error): void {
    if (this.#over) return;
    // The message names the file by its full path: that is for the log.
    this.#log.push(Buffer.from(`tinderbox: the process could not be started: ${error.message}\n`));
    const text = `the process could not be started: ${(error as NodeJS.ErrnoException).code ?? 'no reason given'}`;
    if (this.#stopped) this.#fail('canceled', text);
    else this.#reply(500, Buffer.from(`${text}\n`), []);
    this.#finish();
  }

  #reply(status: number, body: Buffer, fields: readonly string[]): void {
    const bare = body.length === 0 || this.#isBodyless;
    if (this.#sendHead(status, body.length, fields, bare) && !bare) this.#stream.data(body, true);
  }

  #sendHead(status: number, length: number | undefined, more: readonly string[], end: boolean): boolean {
    const fields = ['Content-Type', contentTypeFor(this.#plan, this.#head), ...more];
    try {
      this.#stream.head(formatReplyHead(status, length, fields), end);
      this.#sentHead = true;
      return true;
    } catch (error) {
      // The configured content type is not one.
      this.#fail('bad-reply', (error as Error).message);
      this.stopped();
      return false;
    }
  }

  get #isBodyless(): boolean {
    return this.#head.method === 'HEAD';
  }

  #fail(code: string, message: string): void {
    this.#stream.stop(frameType.error, `${code}\n${message.replace(/[^\t\x20-\x7e]/g, ' ').slice(0, 1000)}`);
  }

  #drop(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#linger);
    this.#onOver();
  }
}

/** In the words of the classic watchdog, which clients know. */
function describeExit(code: number | null, signal: string | null): string {
  return code === null ? `signal: ${signal}` : `exit status ${code}`;
}
