import type { CancelSignal } from '../../model/cancel.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { Invocation } from '../../model/invocation.ts';
import { ClientStack } from './http/client-stack.ts';
import { DispatchedCall } from './http/dispatched-call.ts';
import { type OpenConnections, sendExchanged } from './http/exchanged-call.ts';
import { requestHeaders } from './http/request-headers.ts';
import type { Sent, Transport } from './transport.ts';
import { unsentError } from './unsent.ts';

export interface HttpAddress {
  readonly host: string;
  readonly port: number;
  /** Whether whoever accepted a connection just now is the instance; asked before anything is sent over it. */
  isInstance(): Promise<boolean>;
}

/**
 * Calls to any HTTP/1.1 server. Bodies stream both ways with back-pressure, lengths stay as they were, reply trailers
 * pass; calls that switch protocols or carry request trailers get a connection of their own. Cancelling closes the
 * call's connection, which is all the confirmation HTTP knows. Rejects with `lost` (marked unsent where no connection
 * came about, or it came about with somebody else), `bad-reply`, `invalid`, or the signal's reason. There are no time limits here: the router has them.
 */
export function createHttpTransport(address: HttpAddress): Transport {
  return new HttpTransport(address);
}

class HttpTransport implements Transport {
  readonly #address: HttpAddress;
  readonly #clients: ClientStack;
  readonly #open: OpenConnections = new Set();
  #closed = false;

  constructor(address: HttpAddress) {
    this.#address = address;
    const host = address.host.includes(':') ? `[${address.host}]` : address.host;
    this.#clients = new ClientStack(`http://${host}:${address.port}`, address);
  }

  send(call: Invocation, signal: CancelSignal | undefined): Promise<Sent> {
    if (signal?.aborted === true) return Promise.reject(TinderboxError.from(signal.reason));
    if (this.#closed) return Promise.reject(unsentError('the instance is being stopped'));
    if (call.upgrade || call.trailers !== undefined) {
      return sendExchanged(call, signal, this.#address, this.#open);
    }
    const client = this.#clients.take();
    return new Promise((resolve, reject) => {
      const ended = (): void => this.#clients.give(client);
      client.dispatch(
        { method: call.method, path: call.target, headers: requestHeaders(call), body: call.body ?? null },
        new DispatchedCall(call, signal, { resolve, reject, ended }),
      );
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const gone = new TinderboxError('lost', 'the instance was stopped before the call was done');
    this.#clients.destroy(gone);
    for (const connection of this.#open) connection.destroy(gone);
  }
}
