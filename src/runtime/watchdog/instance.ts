/**
 * The process seen as one instance: `generic` → `starting` → `serving` or `failed`, and `draining` from anywhere.
 *
 * Owns: connections, the one-shot specialise, how many calls run, the end after a drain.
 * 1. A second specialise, on whatever connection, ends that connection.
 * 2. A call is counted from its head until its process ended, whatever its caller does.
 * 3. While draining no call begins; the process exits with the last one that runs.
 */
import type { Socket } from 'node:net';
import { FrameConnection } from '../../frame/connection.ts';
import { parseRequestHead } from '../../frame/head-text.ts';
import { frameType, type Ready, type Specialise } from '../../frame/messages.ts';
import { parseSpecialise } from '../../frame/parse-specialise.ts';
import type { FrameStream, StreamListener } from '../../frame/stream.ts';
import { FrameViolation } from '../../frame/violation.ts';
import { become } from '../node/become.ts';
import type { Mode } from './call.ts';
import { FrameCaller, streamListener } from './frame-caller.ts';
import { createInstanceMode } from './instance-mode.ts';

type State =
  | { readonly kind: 'generic' | 'starting' | 'failed' }
  | { readonly kind: 'serving'; readonly mode: Mode; readonly concurrency: number };

export interface InstanceOptions {
  /** Variables every process gets besides the function's own. */
  readonly inherited: Readonly<Record<string, string>>;
  /** The drain is over. */
  readonly onDrained: () => void;
  /** The program of the function ended by itself, and with it what this process is for. */
  readonly onProgramEnd: (reason: string) => void;
}

export class Instance {
  readonly #options: InstanceOptions;
  readonly #connections = new Set<FrameConnection>();
  #state: State = { kind: 'generic' };
  #running = 0;
  #draining = false;

  constructor(options: InstanceOptions) {
    this.#options = options;
  }

  accept(socket: Socket): void {
    const connection: FrameConnection = new FrameConnection(socket, {
      side: 'runtime',
      role: 'watchdog',
      reusesBuffer: false,
      events: {
        opened: (stream, head, end) => this.#opened(stream, head, end),
        message: (_, payload) => this.#specialise(connection, payload.toString()),
        closed: () => {
          this.#connections.delete(connection);
          this.#endIfIdle();
        },
      },
    });
    this.#connections.add(connection);
    socket.on('data', (bytes: Buffer) => connection.receive(bytes));
    if (this.#draining) connection.message(frameType.drain);
  }

  /** Takes no more calls; `onDrained` is called when the running ones ended. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (const connection of this.#connections) connection.message(frameType.drain);
    this.#endIfIdle();
  }

  #opened(stream: FrameStream, text: string, end: boolean): StreamListener {
    const head = parseRequestHead(text);
    const state = this.#state;
    const refusal = this.#refusal(state);
    if (refusal !== undefined || state.kind !== 'serving') {
      stream.stop(frameType.error, refusal ?? '');
      return refusedCall;
    }
    this.#running += 1;
    const call = state.mode.open(head, !end, new FrameCaller(stream), () => {
      this.#running -= 1;
      this.#endIfIdle();
    });
    return streamListener(call);
  }

  #refusal(state: State): string | undefined {
    if (this.#draining) return 'draining\nthe instance takes no more calls';
    if (state.kind !== 'serving') return 'not-ready\nthe instance has no program yet';
    if (state.concurrency === 0 || this.#running < state.concurrency) return undefined;
    return `overloaded\nthe instance has ${this.#running} calls, its limit is ${state.concurrency}`;
  }

  #specialise(connection: FrameConnection, text: string): void {
    if (this.#state.kind !== 'generic') throw new FrameViolation('state', 'a second specialise');
    const specialise = parseSpecialise(text, process.env['TINDERBOX_SOCKET']);
    this.#state = { kind: 'starting' };
    void this.#become(specialise).then((ready) => connection.message(frameType.ready, ready));
  }

  async #become(specialise: Specialise): Promise<Ready> {
    try {
      become(specialise);
      const { inherited, onProgramEnd } = this.#options;
      const mode = await createInstanceMode(specialise, inherited, onProgramEnd);
      this.#state = { kind: 'serving', mode, concurrency: specialise.concurrency };
      return { ok: true, style: mode.style };
    } catch (error) {
      this.#state = { kind: 'failed' };
      return { ok: false, reason: (error as Error).message };
    }
  }

  /** An answer may still wait for its reader: who reads it hangs up afterwards, having been told of the drain. */
  #endIfIdle(): void {
    if (!this.#draining || this.#running > 0) return;
    if (this.#connections.size === 0) void this.#closeMode();
    for (const connection of this.#connections) if (connection.size === 0) connection.end();
  }

  async #closeMode(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'failed' };
    if (state.kind === 'serving') await state.mode.close();
    this.#options.onDrained();
  }
}

/** Hears what the router still sends on a stream that was refused. */
const refusedCall: StreamListener = { head() {}, data() {}, trailers() {}, stopped() {} };
