/**
 * One call: a process of its own, its stdin the request, its stdout the answer.
 *
 * Owns: the process and its group, the pipes, when the call is over. Does not own: how many run at once, or for how long.
 * 1. The call is over when its process ended and its pipes are closed; only then is the slot given back, whatever the
 *    caller does. What the process left in its group is killed then.
 * 2. Until the first byte of the answer was sent, the exit status decides the status; afterwards a bad exit breaks it off.
 * 3. No more than `heldBytes` of an answer are held here, and no more of a request than its window.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { RequestHead } from '../../frame/head-text.ts';
import type { Call, Caller } from './call.ts';
import { environmentBytes, longestEnvironment } from './cgi-environment.ts';
import { contentTypeFor, environmentFor, type ForkPlan } from './fork-plan.ts';
import { MarshalledInput } from './marshalled-input.ts';
import type { OutputLines } from './output-lines.ts';
import { ProcessGroup } from './process-group.ts';

type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

/** An answer larger than this is sent on before its process ended. */
const heldBytes = 1024 * 1024;
/** Time the pipes have to close after the process ended: somebody outside its group may hold them. */
const lingerMs = 500;
const noBytes = Buffer.alloc(0);

/** What a call needs besides its request. */
export interface ForkCallParts {
  readonly plan: ForkPlan;
  readonly head: RequestHead;
  readonly caller: Caller;
  /** Takes what the process says that is not part of the answer. */
  readonly log: OutputLines;
  /** What `log` writes to: while it is full, the process waits. */
  readonly errors: Writable;
  readonly onOver: () => void;
}

export class ForkCall implements Call {
  readonly #parts: ForkCallParts;
  readonly #startedMs = performance.now();
  readonly #marshalled: MarshalledInput | undefined;
  #child: Child | undefined;
  #group: ProcessGroup | undefined;
  #linger: NodeJS.Timeout | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #sentHead = false;
  #stopped = false;
  #over = false;

  constructor(parts: ForkCallParts) {
    this.#parts = parts;
    this.#marshalled = parts.plan.marshals ? new MarshalledInput() : undefined;
  }

  /** Starts the process; the call is over some time later, also when that fails. */
  start(hasBody: boolean): void {
    if (this.#refused()) return;
    const { plan, head } = this.#parts;
    let child: Child;
    try {
      child = spawnFor(plan, environmentFor(plan, head), hasBody || plan.marshals);
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
    child.stdin?.on('error', () => undefined);
    child.stdout.on('data', (bytes: Buffer) => this.#output(bytes));
    child.stderr.on('data', (bytes: Buffer) =>
      plan.combinesOutput ? this.#output(bytes) : this.#logged(bytes, child.stderr),
    );
    if (this.#marshalled !== undefined) child.stdin?.write(this.#marshalled.begin(head));
    if (!hasBody) this.data(noBytes, true);
  }

  data(bytes: Buffer, end: boolean): void {
    const stdin = this.#child?.stdin;
    const { caller } = this.#parts;
    if (stdin === undefined || stdin === null || stdin.destroyed || !stdin.writable) {
      caller.consumed(bytes.length);
      return;
    }
    const input = this.#marshalled?.data(bytes) ?? bytes;
    if (bytes.length > 0) stdin.write(input, () => caller.consumed(bytes.length));
    if (end) stdin.end(this.#marshalled?.end());
  }

  /** Nobody waits any more. The slot stays taken until the process has ended. */
  stopped(): void {
    if (this.#over || this.#stopped) return;
    this.#stopped = true;
    this.#drop();
    this.#child?.stdin?.destroy();
    this.#child?.stdout.resume();
    this.#group?.stop();
  }

  /** Whether the request is one no process is started for. */
  #refused(): boolean {
    const { plan, head } = this.#parts;
    if (plan.methods?.has(head.method) === false) {
      this.#reply(405, noBytes, ['Allow', [...plan.methods].join(', ')]);
    } else if (plan.tellsRequest && environmentBytes(head) > longestEnvironment) {
      this.#reply(431, Buffer.from(`the headers have more than ${longestEnvironment} bytes\n`), plainText);
    } else return false;
    this.#finish();
    return true;
  }

  #output(bytes: Buffer): void {
    if (this.#stopped) return;
    if (!this.#sentHead) {
      this.#held.push(bytes);
      this.#heldBytes += bytes.length;
      if (this.#parts.plan.streams || this.#heldBytes > heldBytes) this.#streamOn();
      return;
    }
    this.#send(bytes);
  }

  /** A program may write faster than its lines are taken. */
  #logged(bytes: Buffer, pipe: Readable): void {
    const { log, errors } = this.#parts;
    log.push(bytes);
    if (!errors.writableNeedDrain) return;
    pipe.pause();
    errors.once('drain', () => pipe.resume());
  }

  /** From here on output is sent as it comes. */
  #streamOn(): void {
    const held = Buffer.concat(this.#held);
    this.#drop();
    if (!this.#sendHead(200, undefined, this.#typeOf(held), this.#isBodyless)) return;
    if (held.length > 0) this.#send(held);
  }

  #send(bytes: Buffer): void {
    const { caller } = this.#parts;
    if (this.#isBodyless || caller.data(bytes, false)) return;
    const pipes = [this.#child?.stdout, this.#child?.stderr];
    for (const pipe of pipes) pipe?.pause();
    caller.onWritable = () => {
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
    const { log, caller } = this.#parts;
    log.end();
    if (this.#over) return;
    if (this.#stopped) caller.fail('canceled', 'the process was ended');
    else if (!this.#sentHead) this.#answer(code, signal);
    else if (code === 0) caller.data(noBytes, true);
    else caller.fail('failed', describeExit(code, signal));
    this.#finish();
  }

  #answer(code: number | null, signal: string | null): void {
    const said = Buffer.concat(this.#held);
    this.#drop();
    const duration = ['X-Duration-Seconds', ((performance.now() - this.#startedMs) / 1000).toFixed(6)];
    if (code === 0) this.#reply(200, said, [...this.#typeOf(said), ...duration]);
    else this.#reply(500, this.#failureText(describeExit(code, signal), said), [...plainText, ...duration]);
  }

  #failureText(reason: string, said: Buffer): Buffer {
    return this.#parts.plan.failsWithOutput ? Buffer.concat([Buffer.from(`${reason}\n`), said]) : Buffer.from(reason);
  }

  #typeOf(start: Buffer): readonly string[] {
    const type = contentTypeFor(this.#parts.plan, this.#parts.head, start);
    return type === undefined ? [] : ['Content-Type', type];
  }

  #couldNotStart(error: Error): void {
    if (this.#over) return;
    const { log, caller } = this.#parts;
    // The message names the file by its full path: that is for the log.
    log.push(Buffer.from(`tinderbox: the process could not be started: ${error.message}\n`));
    const text = `the process could not be started: ${(error as NodeJS.ErrnoException).code ?? 'no reason given'}`;
    if (this.#stopped) caller.fail('canceled', text);
    else this.#reply(500, Buffer.from(`${text}\n`), plainText);
    this.#finish();
  }

  #reply(status: number, body: Buffer, fields: readonly string[]): void {
    const bare = body.length === 0 || this.#isBodyless;
    if (this.#sendHead(status, body.length, fields, bare) && !bare) this.#parts.caller.data(body, true);
  }

  /** False: the request named a content type that cannot be one. */
  #sendHead(status: number, length: number | undefined, fields: readonly string[], end: boolean): boolean {
    this.#sentHead = this.#parts.caller.head(status, length, fields, end);
    if (!this.#sentHead) this.stopped();
    return this.#sentHead;
  }

  get #isBodyless(): boolean {
    return this.#parts.head.method === 'HEAD';
  }

  #drop(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#linger);
    this.#parts.onOver();
  }
}

const plainText = ['Content-Type', 'text/plain; charset=utf-8'];

/** Its own process group, so that all of it can be ended; a pipe for input only where there is any. */
function spawnFor(plan: ForkPlan, env: Record<string, string>, hasInput: boolean): Child {
  const { file, args, cwd } = plan;
  const options = { cwd, env, detached: true };
  return hasInput
    ? spawn(file, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
    : spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** In the words of the classic watchdog, which clients know. */
function describeExit(code: number | null, signal: string | null): string {
  return code === null ? `signal: ${signal}` : `exit status ${code}`;
}
