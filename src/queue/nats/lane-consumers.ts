import type { Msg } from '@nats-io/transport-node';
import { TinderboxError } from '../../model/errors.ts';
import type { NatsLink } from './link.ts';
import type { Subjects } from './subjects.ts';

/** A message of a lane that was handed to this platform, and to nobody else until its time is over. */
export interface Delivery {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly seq: number;
  /** How often it was handed out, from 1. */
  readonly times: number;
  /** Where to say what became of it. */
  readonly reply: string;
}

/** Durable consumers, one for each lane and priority: the server hands out what is ready, the oldest first. */
export interface LaneConsumers {
  /** Makes it when it is not there. */
  ensure(lane: string, priority: number): Promise<void>;
  /** At most `most`, without waiting. */
  take(lane: string, priority: number, most: number): Promise<readonly Delivery[]>;
}

const nsPerMs = 1e6;
/** A consumer nobody asks for so long is removed by the server, and made again when it is needed. */
const idleMs = 3_600_000;

export function createLaneConsumers(link: NatsLink, subjects: Subjects, leaseMs: number): LaneConsumers {
  return new StreamConsumers(link, subjects, leaseMs);
}

class StreamConsumers implements LaneConsumers {
  readonly #link: NatsLink;
  readonly #subjects: Subjects;
  readonly #leaseMs: number;
  readonly #there = new Map<string, Promise<void>>();

  constructor(link: NatsLink, subjects: Subjects, leaseMs: number) {
    this.#link = link;
    this.#subjects = subjects;
    this.#leaseMs = leaseMs;
  }

  ensure(lane: string, priority: number): Promise<void> {
    const name = this.#subjects.consumer(lane, priority);
    const made = this.#there.get(name) ?? this.#make(name, lane, priority);
    this.#there.set(name, made);
    made.catch(() => this.#there.delete(name));
    return made;
  }

  async take(lane: string, priority: number, most: number): Promise<readonly Delivery[]> {
    await this.ensure(lane, priority);
    const name = this.#subjects.consumer(lane, priority);
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.#subjects.stream}.${name}`;
    const isLast = (message: Msg, count: number): boolean => count === most || isStatus(message);
    const messages = await this.#link.pull(subject, { batch: most, no_wait: true }, isLast);
    if (messages.some(({ headers }) => headers?.code === 503 || headers?.code === 409)) this.#there.delete(name);
    return messages.filter((message) => !isStatus(message)).map(deliveryOf);
  }

  async #make(name: string, lane: string, priority: number): Promise<void> {
    const { stream } = this.#subjects;
    const config = {
      name,
      durable_name: name,
      deliver_policy: 'all',
      ack_policy: 'explicit',
      ack_wait: this.#leaseMs * nsPerMs,
      max_deliver: -1,
      max_ack_pending: 100_000,
      inactive_threshold: idleMs * nsPerMs,
      filter_subject: this.#subjects.ready(lane, priority),
      metadata: { lane, priority: String(priority) },
    };
    try {
      await this.#link.api(`CONSUMER.CREATE.${stream}.${name}`, { stream_name: stream, action: 'create', config });
    } catch (error) {
      if (TinderboxError.from(error).code === 'unavailable') throw error;
      // Another platform made it, with a lease time of its own.
      await this.#link.api(`CONSUMER.INFO.${stream}.${name}`, undefined);
    }
  }
}

function isStatus({ headers }: Msg): boolean {
  return headers !== undefined && headers.code !== 0;
}

/** The reply subject says which message it is (ADR-15): 9 words, or 11 and more with a domain in front. */
function deliveryOf({ subject, data, reply = '' }: Msg): Delivery {
  const words = reply.split('.');
  const at = words.length > 9 ? 6 : 4;
  return { subject, data, reply, times: Number(words[at]), seq: Number(words[at + 1]) };
}
