/**
 * Messages of a subject of NATS. The server keeps nothing: what is published while nobody is connected is lost, and what is
 * in hand when the platform dies as well (at most once). A failed delivery is tried again from memory.
 */
import { randomUUID } from 'node:crypto';
import type { Msg } from '@nats-io/transport-node';
import { TinderboxError } from '../../../model/errors.ts';
import type { NatsTrigger } from '../../../model/trigger.ts';
import type { Delivery, Source, SourceConnection } from '../source.ts';
import type { NatsAddress, NatsConnections, NatsLink } from './connections.ts';
import { callHeadersFrom, rawHeadersFrom } from './headers.ts';
import { publishTo } from './publish.ts';

export interface NatsSourceOptions {
  readonly trigger: NatsTrigger;
  /** Of what is made at the server for this trigger; letters, digits, `-` and `_`. */
  readonly ownName: string;
  readonly connections: NatsConnections;
  /** Read with every try to connect. */
  readonly address: () => Promise<NatsAddress>;
  /** Something a person should know. */
  readonly tell: (message: string) => void;
}

/** Messages in memory; beyond them new ones are dropped and told of. */
const mostHeld = 10_000;
const mostHeldBytes = 64 * 2 ** 20;

export function createCoreSource({ trigger, ownName, connections, address, tell }: NatsSourceOptions): Source {
  return {
    durable: false,
    async connect(events) {
      const link = await connections.open(await address(), events);
      const made = new CoreConnection(link, trigger, trigger.queueGroup ?? ownName, tell);
      // From now on messages come.
      await link.connection.flush();
      return made;
    },
    forget: () => Promise.resolve(),
  };
}

interface Held {
  readonly id: string;
  readonly message: Msg;
  readonly attempt: number;
}

class CoreConnection implements SourceConnection {
  readonly #link: NatsLink;
  readonly #tell: (message: string) => void;
  readonly #held: Held[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #unsubscribe: () => void;
  #bytes = 0;
  #count = 0;
  #dropped = 0;
  #closed: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(link: NatsLink, { subject }: NatsTrigger, queue: string, tell: (message: string) => void) {
    this.#link = link;
    this.#tell = tell;
    const subscription = link.connection.subscribe(subject, {
      queue,
      callback: (error, message) => (error === null ? this.#receive(message) : this.#end(error)),
    });
    this.#unsubscribe = () => subscription.unsubscribe();
    void link.connection.closed().then((error) => this.#end(error ?? new Error('the connection to NATS was closed')));
  }

  async next(signal: AbortSignal): Promise<Delivery | undefined> {
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const held = this.#held.shift();
        if (held !== undefined) return this.#delivery(held);
        if (this.#closed !== undefined) {
          throw new TinderboxError('unavailable', this.#closed.message, { cause: this.#closed });
        }
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      return undefined;
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  publish: SourceConnection['publish'] = (message) => publishTo(this.#link.connection, message);

  lag(): Promise<number> {
    return Promise.resolve(this.#held.length);
  }

  async close(): Promise<void> {
    this.#end(new Error('it was closed'));
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#link.release(this.#unsubscribe);
  }

  #receive(message: Msg): void {
    const { length } = message.data;
    if (this.#count >= mostHeld || this.#bytes + length > mostHeldBytes) {
      this.#dropped += 1;
      if (this.#dropped === 1 || this.#dropped % 1000 === 0) {
        this.#tell(
          `${this.#dropped} messages of ${message.subject} were dropped: the function is slower than they come`,
        );
      }
      return;
    }
    this.#count += 1;
    this.#bytes += length;
    this.#hold({ id: `nats-${randomUUID()}`, message, attempt: 1 });
  }

  #hold(held: Held): void {
    this.#held.push(held);
    this.#wake?.();
  }

  #end(reason: Error): void {
    this.#closed ??= reason;
    this.#wake?.();
  }

  #delivery(held: Held): Delivery {
    const { id, message, attempt } = held;
    const headers = rawHeadersFrom(message.headers);
    return {
      id,
      attempt,
      topic: message.subject,
      headers,
      callHeaders: callHeadersFrom(headers, []),
      body: message.data,
      ...(message.reply === undefined || message.reply === '' ? {} : { replyTopic: message.reply }),
      acknowledge: () => {
        this.#count -= 1;
        this.#bytes -= message.data.length;
        return Promise.resolve();
      },
      putOff: (delayMs) => {
        const timer = setTimeout(() => {
          this.#timers.delete(timer);
          this.#hold({ ...held, attempt: attempt + 1 });
        }, delayMs);
        this.#timers.add(timer);
        return Promise.resolve();
      },
      extend: () => undefined,
    };
  }
}
