/**
 * Carries the messages of one trigger from its source to its function.
 *
 * Owns: the connection's life, how many calls are under way, what follows from each answer, and the counts. Does not own
 * the broker (source.ts) nor calls (`invoke`).
 * 1. Never more calls at once than `concurrency`; messages are asked for only as far as there is room for their calls.
 * 2. A message is acknowledged only after the function answered with success and the answer was published, or after it was
 *    given up and whoever takes what is given up has it.
 * 3. Every message in hand is acknowledged or put off, also when the pump stops; what cannot be told to the broker is
 *    delivered again by it.
 * 4. A lost connection is made anew, each try later than the one before; calls under way go on meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Cancel } from '../../model/cancel.ts';
import { TinderboxError } from '../../model/errors.ts';
import type { DeliverySettings, SourceStatus } from '../../model/trigger.ts';
import { decideDelivery, reconnectDelayMs } from './decide-delivery.ts';
import type { Delivery, Message, Source, SourceConnection } from './source.ts';

/** A call's answer, as much as is needed of it. */
export interface CallAnswer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  /** What would be published of it. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** In words, of one that failed. */
  readonly failure: string;
}

export interface PumpOptions {
  readonly source: Source;
  readonly settings: DeliverySettings;
  /** Calls the function with a message; never rejects. */
  readonly call: (delivery: Delivery, signal: Cancel) => Promise<CallAnswer>;
  /** Keeps a message that was given up where no error topic is; resolves when it is safe. */
  readonly bury: (delivery: Delivery, reason: string) => Promise<void>;
  /** Something a person should know. */
  readonly tell: (message: string) => void;
  /** 0 to 1. */
  readonly random: () => number;
  /** How often the source hears that a function still runs; default 5,000 ms. */
  readonly extendMs?: number;
}

export interface Pump {
  status(): Promise<SourceStatus>;
  /** Takes no more; waits for calls under way until the signal aborts, then stops them; lets go. Idempotent. */
  close(signal: AbortSignal): Promise<void>;
}

export function createPump(options: PumpOptions): Pump {
  return new MessagePump(options);
}

class MessagePump implements Pump {
  readonly #options: PumpOptions;
  readonly #stop = new AbortController();
  readonly #calls = new Set<Cancel>();
  readonly #work = new Set<Promise<void>>();
  readonly #closing = new Set<Promise<unknown>>();
  readonly #loop: Promise<void>;
  #connection: SourceConnection | undefined;
  #connected = false;
  #delivered = 0;
  #retried = 0;
  #failed = 0;
  #lastError: { readonly text: string; readonly at: string } | undefined;
  #room: (() => void) | undefined;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  async status(): Promise<SourceStatus> {
    const lag = this.#connected ? await this.#connection?.lag().catch(() => undefined) : undefined;
    return {
      connected: this.#connected,
      inFlight: this.#calls.size,
      delivered: this.#delivered,
      retried: this.#retried,
      failed: this.#failed,
      ...(lag === undefined ? {} : { lag }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError.text, lastErrorAt: this.#lastError.at }),
    };
  }

  async close(signal: AbortSignal): Promise<void> {
    this.#stop.abort();
    this.#room?.();
    const cancel = (): void => {
      for (const call of this.#calls) call.abort(new TinderboxError('unavailable', 'the trigger stops'));
    };
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    await this.#loop;
    signal.removeEventListener('abort', cancel);
  }

  /** One connection after the other until it is stopped. */
  async #run(): Promise<void> {
    const { source, random } = this.#options;
    const { signal } = this.#stop;
    for (let tries = 1; !signal.aborted; tries += 1) {
      try {
        const events = { connected: () => this.#connectedNow(), disconnected: (why: string) => this.#lost(why) };
        const connection = await source.connect(events, signal);
        this.#connection = connection;
        this.#connectedNow();
        tries = 0;
        await this.#take(connection);
      } catch (reason) {
        if (!signal.aborted) this.#lost(TinderboxError.from(reason).message);
      }
      this.#letGo();
      const waitMs = reconnectDelayMs(Math.max(1, tries), random());
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(this.#closing);
  }

  async #take(connection: SourceConnection): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (this.#work.size >= this.#options.settings.concurrency) {
        await new Promise<void>((resolve) => (this.#room = resolve));
        continue;
      }
      const delivery = await connection.next(signal, this.#options.settings.concurrency - this.#work.size);
      if (delivery === undefined) return;
      const done = this.#handle(delivery, connection).finally(() => {
        this.#work.delete(done);
        this.#room?.();
      });
      this.#work.add(done);
    }
  }

  async #handle(delivery: Delivery, connection: SourceConnection): Promise<void> {
    const { call, extendMs = 5000 } = this.#options;
    const cancel = new Cancel();
    this.#calls.add(cancel);
    const beat = setInterval(() => delivery.extend(), extendMs);
    try {
      const answer = await call(delivery, cancel);
      // What the stop cut off has no outcome: it comes again at once.
      if (cancel.aborted) return await delivery.putOff(0);
      await this.#follow(delivery, answer, connection);
    } catch (reason) {
      this.#note(`message ${delivery.id}: ${TinderboxError.from(reason).message}`);
      await delivery.putOff(this.#options.settings.minWaitMs).catch(() => undefined);
    } finally {
      clearInterval(beat);
      this.#calls.delete(cancel);
    }
  }

  async #follow(delivery: Delivery, answer: CallAnswer, connection: SourceConnection): Promise<void> {
    const { settings, random } = this.#options;
    const { attempt, replyTopic } = delivery;
    const decision = decideDelivery(answer, settings, { attempt, random: random() });
    if (decision.kind === 'later') {
      this.#retried += 1;
      this.#note(`delivery ${attempt} of ${settings.attempts} failed: ${answer.failure}`);
      return await delivery.putOff(decision.delayMs);
    }
    if (decision.kind === 'done') {
      const topic = settings.responseTopic ?? replyTopic;
      if (topic !== undefined) {
        const failure = await publishAnswer(connection, topic, answer);
        if (failure !== undefined) return await this.#follow(delivery, { ...answer, status: 502, failure }, connection);
      }
      await delivery.acknowledge();
      this.#delivered += 1;
      return;
    }
    await this.#giveUp(delivery, answer, connection);
  }

  async #giveUp(delivery: Delivery, answer: CallAnswer, connection: SourceConnection): Promise<void> {
    const { settings, bury, tell } = this.#options;
    const reason = `${answer.failure} at delivery ${delivery.attempt} of ${settings.attempts}`;
    if (settings.errorTopic === undefined) await bury(delivery, reason);
    else await connection.publish(failedMessage(settings.errorTopic, delivery, answer, reason));
    await delivery.acknowledge();
    this.#failed += 1;
    this.#note(reason);
    const where = settings.errorTopic === undefined ? 'a dead letter' : `on ${settings.errorTopic}`;
    tell(`message ${delivery.id} of ${delivery.topic} was given up and is ${where}: ${reason}`);
  }

  #connectedNow(): void {
    this.#connected = true;
  }

  #lost(why: string): void {
    // Told once per loss, not with every try.
    if (this.#connected || this.#lastError?.text !== why) this.#options.tell(`not connected: ${why}`);
    this.#connected = false;
    this.#note(why);
  }

  #note(text: string): void {
    this.#lastError = { text, at: new Date().toISOString() };
  }

  /** The connection closes when those under way have acknowledged; a new one need not wait for that. */
  #letGo(): void {
    this.#connected = false;
    const connection = this.#connection;
    this.#connection = undefined;
    const closed = Promise.all(this.#work)
      .then(() => connection?.close())
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}

/** Resolves with why it cannot be published; the call counts as failed then. */
async function publishAnswer(
  connection: SourceConnection,
  topic: string,
  { headers, body }: CallAnswer,
): Promise<string | undefined> {
  try {
    await connection.publish({ topic, headers, body });
    return undefined;
  } catch (reason) {
    return `the answer cannot be published on ${topic}: ${TinderboxError.from(reason).message}`;
  }
}

/** A message that was given up: as it came, with why. */
function failedMessage(topic: string, delivery: Delivery, answer: CallAnswer, reason: string): Message {
  const own = ['X-Topic', delivery.topic, 'X-Attempts', String(delivery.attempt), 'X-Call-Id', delivery.id];
  own.push('X-Function-Status', String(answer.status), 'X-Error', reason.replaceAll(/[^\x20-\x7e]+/g, ' '));
  return { topic, headers: [...delivery.headers, ...own], body: delivery.body };
}
