import type { Duplex } from 'node:stream';
import { once } from 'node:events';
import { encodeExecFrame, type ExecFrame, ExecFrameReader } from '../model/exec-frame.ts';
import {
  type ExecCommand,
  type ExecInput,
  type ExecOutput,
  type ExecSession,
  stdinWindowBytes,
} from '../model/exec.ts';
import { TinderboxError } from '../model/errors.ts';

/** From the switch of protocols to the first frame. */
const startMs = 10_000;
/** From the first frame to the running command. */
const openMs = 30_000;
/** Time a client has to hang up after the last frame. */
const lingerMs = 5000;

export interface ConversationOptions {
  /** Starts the command of the first frame. */
  open(command: ExecCommand): Promise<ExecSession>;
  /** Longest time without a frame in either direction. */
  readonly idleMs: number;
  readonly stopping: AbortSignal;
}

/**
 * One client and its command, from the first frame to the last.
 *
 * 1. The client leaving, silence for `idleMs`, the platform stopping, and any frame that may not be sent close the
 *    session, and with it the command.
 * 2. The client is always read, so that its leaving is seen; it may have `stdinWindowBytes` of stdin under way and no
 *    more, and none before a credit of 0 bytes told it that the command runs. Output waits for the client.
 * 3. The last frame says how it ended: `exit`, or `error` with the reason.
 */
export class ExecConversation {
  readonly #client: Duplex;
  readonly #options: ConversationOptions;
  readonly #reader = new ExecFrameReader();
  readonly #failed = Promise.withResolvers<never>();
  #session: ExecSession | undefined;
  #opening = false;
  #uncredited = 0;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(client: Duplex, options: ConversationOptions) {
    this.#client = client;
    this.#options = options;
    this.#failed.promise.catch(() => undefined);
  }

  /** Resolves when client and command are gone; never rejects. */
  static async hold(client: Duplex, options: ConversationOptions): Promise<void> {
    await new ExecConversation(client, options).#hold();
  }

  async #hold(): Promise<void> {
    const client = this.#client;
    const left = (): void => this.#failed.reject(new TinderboxError('canceled', 'the client left'));
    const stop = (): void => this.#failed.reject(new TinderboxError('unavailable', 'the platform is stopping'));
    client.on('error', () => client.destroy());
    client.once('close', left).once('end', left);
    this.#options.stopping.addEventListener('abort', stop, { once: true });
    if (this.#options.stopping.aborted) stop();
    const started = Promise.withResolvers<void>();
    client.on('data', (chunk: Buffer) => this.#take(chunk, started.resolve));
    this.#arm(startMs, `no start frame within ${startMs / 1000} s`);
    try {
      await Promise.race([started.promise, this.#failed.promise]);
      await Promise.race([this.#pump(), this.#failed.promise]);
    } catch (reason) {
      this.#write(errorFrame(TinderboxError.from(reason)));
    }
    this.#over = true;
    clearTimeout(this.#timer);
    this.#options.stopping.removeEventListener('abort', stop);
    this.#session?.close();
    await this.#hangUp();
  }

  #take(chunk: Buffer, started: () => void): void {
    if (this.#over) return;
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (frame.kind !== 'start') this.#input(frame);
        else this.#start(frame.command, started);
      }
    } catch (reason) {
      this.#failed.reject(reason);
    }
  }

  #start(command: ExecCommand, started: () => void): void {
    if (this.#opening) throw new TinderboxError('invalid', 'a second start frame came');
    this.#opening = true;
    this.#arm(openMs, `the command did not start within ${openMs / 1000} s`);
    // A session that comes too late is closed at once: nobody would ever end it.
    this.#options.open(command).then(
      (session) => {
        this.#session = session;
        if (this.#over) session.close();
        started();
      },
      (reason: unknown) => this.#failed.reject(reason),
    );
  }

  #input(frame: Exclude<ExecFrame, { kind: 'start' }>): void {
    const session = this.#session;
    if (session === undefined) {
      throw new TinderboxError('invalid', `a ${frame.kind} frame came before the command runs`);
    }
    if (!isInput(frame)) throw new TinderboxError('invalid', `a ${frame.kind} frame is not the client's to send`);
    if (frame.kind === 'stdin') {
      this.#uncredited += frame.data.length;
      if (this.#uncredited > stdinWindowBytes) {
        throw new TinderboxError('invalid', `more than ${stdinWindowBytes} bytes of stdin came without credit`);
      }
    }
    this.#stir();
    session.send(frame);
  }

  async #pump(): Promise<void> {
    this.#stir();
    this.#write({ kind: 'credit', bytes: 0 });
    for await (const frame of this.#session?.output ?? []) {
      this.#stir();
      if (frame.kind === 'credit') this.#uncredited -= frame.bytes;
      if (!this.#write(frame)) await once(this.#client, 'drain');
    }
  }

  #write(frame: ExecOutput): boolean {
    return this.#client.writable ? this.#client.write(encodeExecFrame(frame)) : true;
  }

  #stir(): void {
    const { idleMs } = this.#options;
    this.#arm(idleMs, `nothing was said for ${idleMs / 1000} s, which ends an exec session`);
  }

  #arm(afterMs: number, message: string): void {
    clearTimeout(this.#timer);
    if (this.#over) return;
    this.#timer = setTimeout(() => this.#failed.reject(new TinderboxError('deadline', message)), afterMs);
  }

  /** What the client still sends is read and forgotten: unread, it would reset the connection under the last frame. */
  async #hangUp(): Promise<void> {
    const client = this.#client;
    if (client.destroyed) return;
    const timer = setTimeout(() => client.destroy(), lingerMs);
    const closed = once(client, 'close');
    client.once('end', () => client.destroy());
    client.end();
    if (client.readableEnded) client.destroy();
    await closed;
    clearTimeout(timer);
  }
}

function isInput(frame: ExecFrame): frame is ExecInput {
  return ['stdin', 'stdin-end', 'resize', 'signal'].includes(frame.kind);
}

function errorFrame({ code, message, hint }: TinderboxError): ExecOutput {
  return { kind: 'error', code, message, ...(hint === undefined ? {} : { hint }) };
}
