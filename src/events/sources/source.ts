/**
 * Where messages come from. A source knows one trigger's place at one kind of broker; what is done with its messages (calls,
 * attempts, topics for answers and failures) is the pump's (pump.ts), the same for every kind.
 *
 * What a source promises, and `conformance.ts` holds it to:
 * 1. A message that was neither acknowledged nor put off is delivered again once its connection is gone (`durable`), or it
 *    says that it cannot keep that (`durable: false`).
 * 2. A message that was put off comes again, not before its time, with `attempt` one higher.
 * 3. An acknowledged message never comes again.
 * 4. A durable source takes no more messages from its broker than there was room for when it asked it, and gives back what
 *    nobody asked for any more; what a broker pushes to one that is not is kept in bounds, and dropped when it closes.
 * 5. `extend` keeps a message from being given to somebody else while its function runs.
 * 6. Two connections of the same trigger share its messages; each goes to one of them.
 */
import type { RawHeaders } from '../../model/invocation.ts';

export interface Source {
  /** Whether a message outlives a platform that dies with it in hand. */
  readonly durable: boolean;
  /**
   * Connects and makes what it needs at the broker. Rejects with a TinderboxError that says what is wrong there: it is tried
   * again, since a broker may come later. Rejects when the signal aborts.
   */
  connect(events: SourceEvents, signal: AbortSignal): Promise<SourceConnection>;
  /** Removes what it made at the broker for this trigger, which was deleted. */
  forget(): Promise<void>;
}

/** What a source tells of its connection between messages; one that cannot heal itself lets `next` reject instead. */
export interface SourceEvents {
  readonly connected: () => void;
  readonly disconnected: (reason: string) => void;
}

export interface SourceConnection {
  /**
   * Waits for a message; undefined once the signal aborts. Called by one at a time. Rejects when it is over. `room`, default
   * 1, is how many more may be in hand, this one included: so many may be taken from the broker in one step.
   */
  next(signal: AbortSignal, room?: number): Promise<Delivery | undefined>;
  /** Resolves when the broker has it. Rejects when it cannot be published there. */
  publish(message: Message): Promise<void>;
  /** Messages that wait at the broker for this trigger; undefined: it cannot tell. */
  lag(): Promise<number | undefined>;
  /** Lets go; what is in hand may still be acknowledged until then. Idempotent. */
  close(): Promise<void>;
}

export interface Message {
  readonly topic: string;
  readonly headers: RawHeaders;
  readonly body: Uint8Array;
}

/** A message in hand. Exactly one of `acknowledge` and `putOff` is called, once. */
export interface Delivery extends Message {
  /** The same whenever the message comes again, and no other has it; fit for a call's id. */
  readonly id: string;
  /** From 1. */
  readonly attempt: number;
  /** What the function is told of it: content type, and what this kind of source knows. */
  readonly callHeaders: RawHeaders;
  /** Where the sender waits for an answer, if it does. */
  readonly replyTopic?: string;
  acknowledge(): Promise<void>;
  /** It comes again after this time. */
  putOff(delayMs: number): Promise<void>;
  /** The function still runs; called every few seconds until then. */
  extend(): void;
}
