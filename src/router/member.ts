import type { Instance } from '../model/instance.ts';
import type { Candidate } from './policy.ts';
import { TimerEntry } from './timer-wheel.ts';
import type { Transport } from './transport/transport.ts';

/** `suspect`: nothing could be sent to it a moment ago; it rests until the engine says more or its rest is over. */
type MemberState = 'starting' | 'ready' | 'suspect' | 'draining' | 'gone';

/** One instance as the pool sees it: its slots and its transport. The pool is its only writer. */
export class Member extends TimerEntry implements Candidate {
  readonly id: string;
  state: MemberState = 'starting';
  inFlight = 0;
  capacity = 1;
  /** Present from `ready` on, until it is gone. */
  transport: Transport | undefined;
  /** Whether it ever answered a call. */
  served = false;
  readonly #restOver: (member: Member) => void;

  constructor(instance: Instance, restOver: (member: Member) => void) {
    super();
    this.id = instance.id;
    this.#restOver = restOver;
  }

  get open(): boolean {
    return this.state === 'ready';
  }

  override expired(): void {
    this.#restOver(this);
  }

  /** Lets go of the connections; calls still on them are rejected by the transport. */
  close(): void {
    this.state = 'gone';
    this.transport?.close();
    this.transport = undefined;
  }
}
