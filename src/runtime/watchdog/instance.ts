/**
 * The process seen as one instance: `generic` → `serving` or `failed`, and `draining` from anywhere.
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
import { findProgram } from './find-program.ts';
import { ForkCall } from './fork-call.ts';
import { type ForkPlan, resolveForkPlan } from './fork-plan.ts';

type State =
  | { readonly kind: 'generic' | 'failed' }
  | { readonly kind: 'serving'; readonly plan: ForkPlan; readonly concurrency: number };

export interface InstanceOptions {
  /** Variables every process gets besides the function's own. */
  readonly inherited: Readonly<Record<string, string>>;
  /** The drain is over. */
  readonly onDrained: () => void;
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
    const call = new ForkCall(state.plan, head, stream, () => {
      this.#running -= 1;
      this.#endIfIdle();
    });
    call.start(!end);
    return call;
  }

  #refusal(state: State): string | undefined {
    if (this.#draining) return 'draining\nthe instance takes no more calls';
    if (state.kind !== 'serving') return 'not-ready\nthe instance has no program yet';
    if (state.concurrency === 0 || this.#running < state.concurrency) return undefined;
    return `overloaded\nthe instance has ${this.#running} calls, its limit is ${state.concurrency}`;
  }

  #specialise(connection: FrameConnection, text: string): void {
    if (this.#state.kind !== 'generic') throw new FrameViolation('state', 'a second specialise');
    connection.message(frameType.ready, this.#become(parseSpecialise(text, process.env['TINDERBOX_SOCKET'])));
  }

  #become(specialise: Specialise): Ready {
    try {
      const [name = '', ...args] = specialise.process ?? [];
      become(specialise);
      const file = findProgram(name, specialise.workdir, specialise.env['PATH']);
      const env = { ...specialise.env, ...this.#options.inherited };
      const plan = resolveForkPlan(file, args, specialise.workdir, env);
      this.#state = { kind: 'serving', plan, concurrency: specialise.concurrency };
      return { ok: true, style: 'fork' };
    } catch (error) {
      this.#state = { kind: 'failed' };
      return { ok: false, reason: (error as Error).message };
    }
  }

  /** An answer may still wait for its reader: who reads it hangs up afterwards, having been told of the drain. */
  #endIfIdle(): void {
    if (!this.#draining || this.#running > 0) return;
    if (this.#connections.size === 0) this.#options.onDrained();
    for (const connection of this.#connections) if (connection.size === 0) connection.end();
  }
}

/** Hears what the router still sends on a stream that was refused. */
const refusedCall: StreamListener = { head() {}, data() {}, trailers() {}, stopped() {} };
