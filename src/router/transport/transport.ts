import type { CancelSignal } from '../../model/cancel.ts';
import type { Invocation, Reply } from '../../model/invocation.ts';

/**
 * Carries calls to one instance. `send` rejects with `lost` and `sent: false` while nothing left this machine, so that
 * the caller may try another instance once.
 */
export interface Transport {
  /**
   * Resolves with the reply's head (and body when it is small). Aborting the signal cancels the call in the instance:
   * a `send` still pending then settles only once the instance confirmed (or the connection is gone), because the slot
   * is taken until that moment; after the head it is `done` that waits, and the body ends with an error.
   */
  send(call: Invocation, signal: CancelSignal | undefined): Promise<Sent>;
  /** Ends all connections; calls in flight reject with `lost`. Idempotent. */
  close(): void;
}

/** A reply, and when the slot is free again: at once, or when stream, cancel confirmation or tunnel ended. */
export interface Sent {
  readonly reply: Reply;
  /** Resolves when the instance is done with the call. Never rejects. */
  readonly done: Promise<void> | undefined;
}
