/**
 * One call from its arrival at the router to the moment its slot is free again.
 *
 * Owns: the caller's promise, the deadline, the cancellation towards the instance. Does not own slots or queues (pool.ts).
 * 1. The caller is settled once: by the reply, the first failure, its own leaving, or the deadline.
 * 2. A slot once taken is given back exactly once, and only when the instance is done with the call: a deadline or a
 *    caller that left cancels, but the slot stays taken until the transport confirms.
 * 3. An instance that does not confirm within the grace after the deadline is retired, and nobody waits for the call.
 * 4. There is one retry, only where the instance did not begin the call, and where the function's traffic goes then.
 */
import { Cancel, type CancelSignal } from '../model/cancel.ts';
import type { Body, Invocation, Reply } from '../model/invocation.ts';
import { TinderboxError } from '../model/errors.ts';
import { invocationEnd, invocationStart } from '../observe/channels.ts';
import type { Member } from './member.ts';
import type { Pool, Waiter } from './pool.ts';
import { TimerEntry, type TimerWheel } from './timer-wheel.ts';
import type { Sent } from './transport/transport.ts';
import { isUnsent } from './transport/unsent.ts';
import type { Place } from './wait-queue.ts';

/** What an exchange needs of the router. */
export interface ExchangeContext {
  readonly wheel: TimerWheel;
  readonly now: () => number;
  /** Called when a call of a pool ended, or left for another pool, and its slot is free. */
  readonly ended: (pool: Pool) => void;
  /** Where calls of this function go now. Throws `not-found` when the function is gone. */
  readonly poolOf: (call: Invocation) => Pool;
}

/** A call waits for an instance at least this long, however short its own time limit is. */
const shortestWaitMs = 60_000;

/** `waiting` for a slot; `running` in an instance; `overdue`: past its deadline, cancelled, in its grace; `over`. */
type Phase = 'waiting' | 'running' | 'overdue' | 'over';

export class Exchange extends TimerEntry implements Waiter {
  readonly call: Invocation;
  readonly promise: Promise<Reply>;
  readonly #context: ExchangeContext;
  readonly #callerSignal: CancelSignal;
  readonly #enteredMs: number;
  #pool: Pool;
  readonly #resolve: (reply: Reply) => void;
  readonly #reject: (error: TinderboxError) => void;
  #settled = false;
  #reported = false;
  #phase: Phase = 'waiting';
  #place: Place<Waiter> | undefined;
  #member: Member | undefined;
  #cancel: Cancel | undefined;
  #cold = false;
  #retried = false;
  #startedMs = 0;
  #status = 0;

  constructor(call: Invocation, callerSignal: CancelSignal, pool: Pool, context: ExchangeContext) {
    super();
    this.call = call;
    this.#callerSignal = callerSignal;
    this.#pool = pool;
    this.#context = context;
    this.#enteredMs = context.now();
    ({ promise: this.promise, resolve: this.#resolve, reject: this.#reject } = Promise.withResolvers<Reply>());
  }

  /** Gives the call to an instance, or queues it. */
  start(): void {
    invocationStart.publish({ function: this.call.function });
    if (this.#callerSignal.aborted) {
      this.refuse(canceledError());
      return;
    }
    this.#callerSignal.addEventListener('abort', this);
    const member = this.#pool.reserve(this.#enteredMs);
    if (member === undefined) this.enqueue(this.#pool);
    else this.#run(member, this.#enteredMs);
  }

  /** Waits in this pool: at first, and when the function's traffic moves to another revision meanwhile. */
  enqueue(pool: Pool): void {
    this.#pool = pool;
    this.#cold ||= pool.cold;
    const waitMs = Math.max(pool.settings.timeoutMs, shortestWaitMs);
    this.#context.wheel.add(this, this.#enteredMs + waitMs);
    try {
      const place = pool.wait(this);
      if (place.queued) this.#place = place;
    } catch (error) {
      this.refuse(TinderboxError.from(error));
    }
  }

  /** Its turn (Waiter). */
  admit(member: Member): void {
    this.#place = undefined;
    this.#run(member, this.#context.now());
  }

  /** There will be no slot (Waiter). */
  refuse(error: TinderboxError): void {
    this.#place = undefined;
    this.#fail(error);
    this.#over();
  }

  /** The caller left (EventListener of its signal). */
  handleEvent(): void {
    const error = canceledError();
    if (this.#phase === 'waiting') {
      this.#leaveQueue();
      this.refuse(error);
      return;
    }
    this.#fail(error);
    this.#cancel?.abort(error);
  }

  /** The wheel: waited too long, ran too long, or did not confirm the cancel. */
  override expired(): void {
    if (this.#phase === 'waiting') this.#waitedTooLong();
    else if (this.#phase === 'running') this.#ranTooLong();
    else if (this.#phase === 'overdue') this.#ignoredCancel();
  }

  #run(member: Member, nowMs: number): void {
    const transport = member.transport;
    this.#member = member;
    this.#phase = 'running';
    this.#startedMs = nowMs;
    this.#cancel = new Cancel();
    this.#context.wheel.add(this, nowMs + this.#pool.settings.timeoutMs);
    if (transport === undefined) {
      this.#failed(new TinderboxError('lost', `an instance of ${this.call.function} went away`));
      return;
    }
    this.call.onBegin?.();
    transport.send(this.call, this.#cancel).then(
      (sent) => this.#answered(sent),
      (reason: unknown) => this.#failed(reason),
    );
  }

  #answered({ reply, done }: Sent): void {
    this.#pool.served(this.#member as Member);
    if (this.#settled) discard(reply);
    else {
      this.#settled = true;
      this.#status = reply.status;
      this.#resolve(reply);
      // A tunnel is not a call: it has no deadline of its own.
      if (reply.kind === 'upgraded') this.#context.wheel.remove(this);
    }
    if (done === undefined) this.#over();
    else void done.then(() => this.#over());
  }

  #failed(reason: unknown): void {
    const member = this.#member as Member;
    const mayRetry = !this.#retried && !this.#settled && this.#phase === 'running';
    if (mayRetry && isUnsent(reason) && isWhole(this.call.body)) {
      this.#tryAgain(member);
      return;
    }
    this.#fail(TinderboxError.from(reason));
    this.#over();
  }

  #tryAgain(member: Member): void {
    const left = this.#pool;
    this.#retried = true;
    this.#phase = 'waiting';
    this.#member = undefined;
    left.giveBack(member);
    try {
      this.#pool = this.#context.poolOf(this.call);
      this.#cold ||= this.#pool.cold;
      this.#context.wheel.add(this, this.#context.now() + this.#pool.settings.timeoutMs);
      const place = this.#pool.waitAgain(this);
      if (place.queued) this.#place = place;
    } catch (error) {
      this.refuse(TinderboxError.from(error));
    }
    if (this.#pool !== left) this.#context.ended(left);
  }

  #waitedTooLong(): void {
    this.#leaveQueue();
    const waitedMs = Math.round(this.#context.now() - this.#enteredMs);
    this.refuse(
      this.#pool.cold
        ? new TinderboxError('cannot-start', `no instance of ${this.call.function} was ready within ${waitedMs} ms`, {
            retryAfterMs: 1000,
          })
        : new TinderboxError('deadline', `no instance of ${this.call.function} had room within ${waitedMs} ms`),
    );
  }

  #ranTooLong(): void {
    const { timeoutMs, graceMs } = this.#pool.settings;
    const error = new TinderboxError(
      'deadline',
      `${this.call.function} took longer than its time limit of ${timeoutMs} ms`,
    );
    this.#phase = 'overdue';
    this.#fail(error);
    this.#context.wheel.add(this, this.#context.now() + graceMs);
    this.#cancel?.abort(error);
  }

  #ignoredCancel(): void {
    const { graceMs } = this.#pool.settings;
    const reason = `call ${this.call.id} was cancelled and still ran ${graceMs} ms later`;
    this.#pool.retire(this.#member as Member, reason);
    // It gets no more calls and is stopped when the others have ended: that must not wait for this one.
    this.#over();
  }

  #leaveQueue(): void {
    if (this.#place !== undefined) this.#pool.leave(this.#place);
    this.#place = undefined;
  }

  #fail(error: TinderboxError): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#status = error.status;
    this.#reject(error);
    this.#report();
  }

  /** The instance is done with the call, or it never got there. */
  #over(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#context.wheel.remove(this);
    this.#callerSignal.removeEventListener('abort', this);
    this.#report();
    if (this.#member !== undefined) this.#pool.release(this.#member);
    this.#context.ended(this.#pool);
  }

  #report(): void {
    if (this.#reported) return;
    this.#reported = true;
    const nowMs = this.#context.now();
    this.#pool.touch(nowMs);
    const slotMs = this.#startedMs === 0 ? nowMs : this.#startedMs;
    invocationEnd.publish({
      id: this.call.id,
      function: this.call.function,
      status: this.#status,
      durationMs: nowMs - this.#enteredMs,
      queuedMs: slotMs - this.#enteredMs,
      cold: this.#cold,
    });
  }
}

function canceledError(): TinderboxError {
  return new TinderboxError('canceled', 'the caller left before the call was done');
}

/** Whether the body can be sent once more: nothing of a stream was read yet. */
function isWhole(body: Body): boolean {
  return body === undefined || Buffer.isBuffer(body) || (!body.readableDidRead && !body.destroyed);
}

/** A reply nobody waits for: ending its stream or tunnel tells the instance. */
function discard(reply: Reply): void {
  if (reply.kind === 'streaming') reply.body.destroy();
  else if (reply.kind === 'upgraded') reply.socket.destroy();
}
