import type { SocketPlace } from '../../frame/connect-socket.ts';
import type { CancelSignal } from '../../model/cancel.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { Invocation } from '../../model/invocation.ts';
import { FrameCall } from './frame/call.ts';
import { FrameLink } from './frame/link.ts';
import type { Sent, Transport } from './transport.ts';

export interface FrameTransportOptions {
  readonly address: SocketPlace;
  /** Longest a call may take, counted from its arrival; told to the handler. Default 0: no deadline. */
  readonly timeoutMs?: number;
  /** The instance broke the protocol; its connection is gone already. Called once per broken connection. */
  readonly onViolation?: (reason: string) => void;
}

/**
 * Calls to one first-party runtime, all over one connection that is opened with the first call and again after a loss.
 * Rejects with `lost` (marked unsent where nothing left this process), `bad-reply` when the answer cannot be sent on,
 * `unavailable` when the runtime refuses, `unsupported` for an upgrade, and with the signal's reason.
 */
export function createFrameTransport(options: FrameTransportOptions): Transport {
  return new FrameTransport(options);
}

class FrameTransport implements Transport {
  readonly #options: FrameTransportOptions;
  readonly #links = new Set<FrameLink>();
  #current: FrameLink | undefined;
  #closed = false;

  constructor(options: FrameTransportOptions) {
    this.#options = options;
  }

  send(call: Invocation, signal: CancelSignal | undefined): Promise<Sent> {
    if (call.upgrade) {
      return Promise.reject(new TinderboxError('unsupported', 'this function cannot switch protocols (WebSocket)'));
    }
    if (signal?.aborted === true) return Promise.reject(TinderboxError.from(signal.reason));
    if (this.#closed) return Promise.reject(new TinderboxError('lost', 'the instance is being stopped'));
    const link = this.#current?.canOpen === true ? this.#current : this.#connect();
    const settle = Promise.withResolvers<Sent>();
    new FrameCall(call, signal, settle).start(link, this.#options.timeoutMs ?? 0);
    return settle.promise;
  }

  close(): void {
    this.#closed = true;
    for (const link of this.#links) link.close();
  }

  #connect(): FrameLink {
    const link = new FrameLink(this.#options.address, (violation) => {
      this.#links.delete(link);
      if (violation !== undefined) this.#options.onViolation?.(violation.message);
    });
    this.#links.add(link);
    this.#current = link;
    return link;
  }
}
