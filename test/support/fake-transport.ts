import type { CancelSignal } from '../../src/model/cancel.ts';
import type { Invocation, Reply } from '../../src/model/invocation.ts';
import type { Sent, Transport } from '../../src/router/transport/transport.ts';

/** A call that arrived at a {@link FakeTransport}; the test decides what comes of it. */
export class FakeCall {
  readonly call: Invocation;
  readonly signal: CancelSignal | undefined;
  readonly promise: Promise<Sent>;
  readonly #settle: { resolve(sent: Sent): void; reject(error: unknown): void };

  constructor(call: Invocation, signal: CancelSignal | undefined) {
    this.call = call;
    this.signal = signal;
    const { promise, resolve, reject } = Promise.withResolvers<Sent>();
    this.promise = promise;
    this.#settle = { resolve, reject };
  }

  /** Answers in one Buffer. */
  answer(text = 'ok', status = 200): void {
    this.send({ kind: 'buffered', status, headers: [], origin: 'function', body: Buffer.from(text), trailers: [] });
  }

  send(reply: Reply, done?: Promise<void>): void {
    this.#settle.resolve({ reply, done });
  }

  fail(error: unknown): void {
    this.#settle.reject(error);
  }
}

/** A scriptable instance: keeps the calls it got, in order. */
export class FakeTransport implements Transport {
  readonly calls: FakeCall[] = [];
  closed = false;

  send(call: Invocation, signal: CancelSignal | undefined): Promise<Sent> {
    const fake = new FakeCall(call, signal);
    this.calls.push(fake);
    return fake.promise;
  }

  close(): void {
    this.closed = true;
  }
}
