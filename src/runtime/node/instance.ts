/**
 * The process seen as one instance: `generic` → `becoming` → `serving` or `failed`, and `draining` from anywhere.
 *
 * Owns: connections, the one-shot specialise, how many calls run, the end after a drain.
 * Invariants
 * 1. A second specialise, on whatever connection, ends that connection.
 * 2. A call is counted from its head until its handler has settled, whatever its caller does.
 * 3. While draining no call begins; the process exits when the last one has ended and its answer was sent.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { FrameConnection } from '../../frame/connection.ts';
import { parseRequestHead } from '../../frame/head-text.ts';
import { frameType, type Ready, type Specialise } from '../../frame/messages.ts';
import { parseSpecialise } from '../../frame/parse-specialise.ts';
import type { FrameStream, StreamListener } from '../../frame/stream.ts';
import { FrameViolation } from '../../frame/violation.ts';
import { become } from './become.ts';
import { Call } from './call.ts';
import { exitNow, say } from './exit-guard.ts';
import type { Handler } from './handler.ts';
import { loadHandler } from './load-handler.ts';

const maxReasonChars = 16 * 1024;
const noBytes = Buffer.alloc(0);

type State =
  | { readonly kind: 'generic' | 'becoming' | 'failed' }
  | { readonly kind: 'serving'; readonly handler: Handler; readonly concurrency: number };

export class Instance {
  /** The call on whose behalf code runs. */
  readonly calls = new AsyncLocalStorage<Call>();
  readonly #connections = new Set<FrameConnection>();
  #state: State;
  #running = 0;
  #draining = false;

  constructor(state: State = { kind: 'generic' }) {
    this.#state = state;
  }

  accept(socket: Socket): void {
    const connection: FrameConnection = new FrameConnection(socket, {
      side: 'runtime',
      role: 'node',
      reusesBuffer: false,
      events: {
        opened: (stream, head, end) => this.#opened(stream, head, end),
        message: (_, payload) => this.#specialise(connection, payload.toString()),
        closed: () => {
          this.#connections.delete(connection);
          this.#exitIfIdle();
        },
      },
    });
    this.#connections.add(connection);
    socket.on('data', (bytes: Buffer) => connection.receive(bytes));
    if (this.#draining) connection.message(frameType.drain);
  }

  /** Takes no more calls; exits once the running ones ended. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (const connection of this.#connections) connection.message(frameType.drain);
    this.#exitIfIdle();
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
    const call = new Call(head, stream, this.calls, () => this.#ended());
    if (end) call.data(noBytes, true);
    state.handler(call);
    return call;
  }

  #refusal(state: State): string | undefined {
    if (this.#draining) return 'draining\nthe instance takes no more calls';
    if (state.kind !== 'serving') return 'not-ready\nthe instance has no handler yet';
    if (this.#running < state.concurrency) return undefined;
    return `overloaded\nthe instance has ${this.#running} calls, its limit is ${state.concurrency}`;
  }

  #ended(): void {
    this.#running -= 1;
    this.#exitIfIdle();
  }

  /** An answer may still wait for its reader: who reads it hangs up afterwards, having been told of the drain. */
  #exitIfIdle(): void {
    if (!this.#draining || this.#running > 0) return;
    if (this.#connections.size === 0) exitNow();
    for (const connection of this.#connections) if (connection.size === 0) connection.end();
  }

  #specialise(connection: FrameConnection, text: string): void {
    if (this.#state.kind !== 'generic') throw new FrameViolation('state', 'a second specialise');
    const specialise = parseSpecialise(text, process.env['TINDERBOX_SOCKET']);
    this.#state = { kind: 'becoming' };
    void this.#become(specialise).then((ready) => connection.message(frameType.ready, ready));
  }

  async #become(specialise: Specialise): Promise<Ready> {
    try {
      become(specialise);
      const { style, handler } = await loadHandler(specialise);
      this.#state = { kind: 'serving', handler, concurrency: specialise.concurrency };
      return { ok: true, style };
    } catch (error) {
      this.#state = { kind: 'failed' };
      const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const reason = told.slice(0, maxReasonChars);
      say(`${reason}\n`);
      return { ok: false, reason };
    }
  }
}

/** Hears what the router still sends on a stream that was refused. */
const refusedCall: StreamListener = { head() {}, data() {}, trailers() {}, stopped() {} };
