import { randomUUID } from 'node:crypto';
import type { Delivery, Message, Source, SourceConnection } from '../../src/events/sources/source.ts';
import { TinderboxError } from '../../src/model/errors.ts';

interface Held {
  readonly id: string;
  readonly message: Message;
  attempt: number;
  /** Not before then, in ms of `performance.now()`. */
  dueMs: number;
  /** Who has it in hand. */
  holder: object | undefined;
}

/** A broker in memory that a test drives: it keeps what is not acknowledged, and can be cut off. */
export interface MemoryBroker {
  readonly source: Source;
  send(body: string): Promise<void>;
  /** What was published, by topic. */
  readonly published: Map<string, string[]>;
  /** Lets every connection be lost, and refuses new ones until it is called with false. */
  cut(down: boolean): void;
  /** Refuses to publish on this topic. */
  refuse(topic: string): void;
  /** Messages whose `extend` was called, in order. */
  readonly extended: string[];
}

export function createMemoryBroker(): MemoryBroker {
  const held: Held[] = [];
  const published = new Map<string, string[]>();
  const extended: string[] = [];
  const refused = new Set<string>();
  const waiting = new Set<() => void>();
  let isDown = false;
  const wake = (): void => {
    for (const listener of waiting) listener();
  };

  const connect = (): SourceConnection => {
    const own = {};
    let closed = false;
    const take = (): Held | undefined =>
      held.find(({ holder, dueMs }) => holder === undefined && dueMs <= performance.now());
    const give = (one: Held): Delivery => {
      one.holder = own;
      one.attempt += 1;
      return {
        ...one.message,
        id: one.id,
        attempt: one.attempt,
        callHeaders: one.message.headers,
        acknowledge() {
          if (isDown) return Promise.reject(new Error('it is down'));
          held.splice(held.indexOf(one), 1);
          return Promise.resolve();
        },
        putOff(delayMs) {
          if (isDown) return Promise.reject(new Error('it is down'));
          one.dueMs = performance.now() + delayMs;
          one.holder = undefined;
          setTimeout(wake, delayMs + 1);
          return Promise.resolve();
        },
        extend: () => extended.push(one.id),
      };
    };
    return {
      async next(signal) {
        for (;;) {
          if (signal.aborted) return undefined;
          if (isDown || closed) throw new TinderboxError('unavailable', 'the connection was lost');
          const one = take();
          if (one !== undefined) return give(one);
          await new Promise<void>((resolve) => {
            const done = (): void => {
              waiting.delete(done);
              signal.removeEventListener('abort', done);
              resolve();
            };
            waiting.add(done);
            signal.addEventListener('abort', done);
          });
        }
      },
      publish({ topic, body }) {
        if (isDown || refused.has(topic))
          return Promise.reject(new TinderboxError('too-large', `${topic} takes nothing`));
        published.set(topic, [...(published.get(topic) ?? []), Buffer.from(body).toString()]);
        return Promise.resolve();
      },
      lag: () => Promise.resolve(held.length),
      close() {
        closed = true;
        for (const one of held) if (one.holder === own) one.holder = undefined;
        wake();
        return Promise.resolve();
      },
    };
  };

  return {
    published,
    extended,
    source: {
      durable: true,
      connect: () =>
        isDown ? Promise.reject(new TinderboxError('unavailable', 'nobody answers')) : Promise.resolve(connect()),
      forget: () => Promise.resolve(),
    },
    send(body) {
      const message = { topic: 'orders', headers: ['A', 'b'], body: Buffer.from(body) };
      held.push({ id: `m-${randomUUID()}`, message, attempt: 0, dueMs: 0, holder: undefined });
      wake();
      return Promise.resolve();
    },
    cut(down) {
      isDown = down;
      wake();
    },
    refuse: (topic) => void refused.add(topic),
  };
}
