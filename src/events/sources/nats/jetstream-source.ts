/**
 * Messages of a stream of NATS JetStream, through a durable consumer that platforms share: at least once. The server keeps
 * what is not acknowledged, also while no platform runs.
 */
import { createHash } from 'node:crypto';
import type { Consumer, ConsumerMessages, JetStreamClient, JetStreamManager, JsMsg } from '@nats-io/jetstream';
import type { Delivery, Message, Source, SourceConnection } from '../source.ts';
import { TinderboxError } from '../../../model/errors.ts';
import type { NatsTrigger } from '../../../model/trigger.ts';
import type { NatsLink } from './connections.ts';
import type { NatsSourceOptions } from './core-source.ts';
import { callHeadersFrom, rawHeadersFrom } from './headers.ts';
import { assertSize, natsHeaders, publishTo } from './publish.ts';

type StreamTrigger = NatsTrigger & { readonly stream: string };

interface JetStreamOptions extends NatsSourceOptions {
  readonly trigger: StreamTrigger;
}

/** How long the server waits for a sign of life before it gives a message to somebody else. */
const ackWaitMs = 30_000;
/** Of a consumer that was made by others: below it a running function could not be told of in time. */
const leastAckWaitMs = 10_000;
/** One request for messages stands this long. */
const pullMs = 30_000;
const acknowledgeMs = 30_000;

export function createJetStreamSource(options: JetStreamOptions): Source {
  const { trigger, ownName, connections, address } = options;
  return {
    durable: true,
    async connect(events) {
      const link = await connections.open(await address(), events);
      try {
        return await openConsumer(link, options);
      } catch (reason) {
        await link.release();
        throw translate(reason);
      }
    },
    async forget() {
      // One that has a name of its own may have other users.
      if (trigger.durable !== undefined) return;
      const link = await connections.open(await address(), {
        connected: () => undefined,
        disconnected: () => undefined,
      });
      try {
        const { jetstreamManager } = await import('@nats-io/jetstream');
        await (await jetstreamManager(link.connection)).consumers.delete(trigger.stream, ownName);
      } finally {
        await link.release();
      }
    },
  };
}

async function openConsumer(link: NatsLink, { trigger, ownName }: JetStreamOptions): Promise<SourceConnection> {
  const { jetstream, jetstreamManager } = await import('@nats-io/jetstream');
  const manager = await jetstreamManager(link.connection);
  await ensureStream(manager, trigger);
  const name = trigger.durable ?? ownName;
  await ensureConsumer(manager, trigger, name);
  const client = jetstream(link.connection);
  return new StreamConnection(link, manager, client, await client.consumers.get(trigger.stream, name));
}

async function ensureStream(
  manager: JetStreamManager,
  { stream, subject, createStream }: StreamTrigger,
): Promise<void> {
  try {
    await manager.streams.info(stream);
  } catch (reason) {
    if (!isMissing(reason)) throw reason;
    if (createStream !== true) {
      throw new TinderboxError('unavailable', `stream ${stream} does not exist`, {
        hint: 'make it, or let the trigger make it with createStream',
      });
    }
    await manager.streams.add({ name: stream, subjects: [subject] });
  }
}

async function ensureConsumer(manager: JetStreamManager, trigger: StreamTrigger, name: string): Promise<void> {
  const { stream, subject, deliver = 'all', durable } = trigger;
  const known = await manager.consumers.info(stream, name).catch((reason: unknown) => {
    if (isMissing(reason)) return undefined;
    throw reason;
  });
  if (known === undefined) {
    await manager.consumers.add(stream, {
      durable_name: name,
      ack_policy: 'explicit',
      ack_wait: ackWaitMs * 1e6,
      deliver_policy: deliver,
      filter_subject: subject,
      // Attempts are counted here, so that a message that is given up goes where it should.
      max_deliver: -1,
      max_ack_pending: 10_000,
    });
    return;
  }
  const { ack_policy: policy, ack_wait: waitNs = 0, filter_subject: filter, deliver_subject: push } = known.config;
  if (policy !== 'explicit' || push !== undefined || waitNs < leastAckWaitMs * 1e6) {
    const why = `it must be a pull consumer with explicit acknowledgement and an ack wait of at least ${leastAckWaitMs} ms`;
    throw new TinderboxError('unavailable', `consumer ${name} of stream ${stream} cannot be used: ${why}`);
  }
  if (durable === undefined && filter !== subject)
    await manager.consumers.update(stream, name, { filter_subject: subject });
}

class StreamConnection implements SourceConnection {
  readonly #link: NatsLink;
  readonly #manager: JetStreamManager;
  readonly #client: JetStreamClient;
  readonly #consumer: Consumer;
  /** What was asked for and has not come, and what came of it. */
  #asking: ConsumerMessages | undefined;
  #coming: AsyncIterator<JsMsg> | undefined;

  constructor(link: NatsLink, manager: JetStreamManager, client: JetStreamClient, consumer: Consumer) {
    this.#link = link;
    this.#manager = manager;
    this.#client = client;
    this.#consumer = consumer;
    // The server forgot what was asked of it.
    link.onReconnect(() => this.#asking?.stop());
  }

  async next(signal: AbortSignal, room = 1): Promise<Delivery | undefined> {
    const stop = (): void => this.#asking?.stop();
    signal.addEventListener('abort', stop);
    try {
      while (!signal.aborted) {
        this.#coming ??= await this.#ask(room);
        if (signal.aborted) break;
        const { value, done } = await this.#coming.next();
        if (done !== true && !signal.aborted) return deliveryFrom(value);
        if (done === true) this.#coming = undefined;
        else (value as JsMsg).nak();
      }
      await this.#giveBack();
      return undefined;
    } catch (reason) {
      this.#coming = undefined;
      if (signal.aborted) return undefined;
      throw translate(reason);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** What is handed out of it is counted by whoever asks, so that there is always room for what is still to come. */
  async #ask(room: number): Promise<AsyncIterator<JsMsg>> {
    this.#asking = await this.#consumer.fetch({ max_messages: room, expires: pullMs });
    return this.#asking[Symbol.asyncIterator]();
  }

  /** Nobody asks any more: what came meanwhile is for others, at once. */
  async #giveBack(): Promise<void> {
    const coming = this.#coming;
    this.#coming = undefined;
    this.#asking?.stop();
    for (let step = await coming?.next(); step !== undefined && step.done !== true; step = await coming?.next()) {
      step.value.nak();
    }
  }

  /** To a stream where one takes the topic, so that it is on disk; else to whoever listens. */
  async publish(message: Message): Promise<void> {
    if (!(await this.#isStored(message.topic))) return await publishTo(this.#link.connection, message);
    assertSize(this.#link.connection, message);
    await this.#client.publish(message.topic, message.body, { headers: await natsHeaders(message) });
  }

  async lag(): Promise<number> {
    const { num_pending: waiting, num_ack_pending: inHand } = await this.#consumer.info();
    return waiting + inHand;
  }

  async close(): Promise<void> {
    await this.#link.release(() => this.#asking?.stop());
  }

  async #isStored(topic: string): Promise<boolean> {
    const names = await this.#manager.streams.names(topic).next();
    return names.length > 0;
  }
}

function deliveryFrom(message: JsMsg): Delivery {
  const { stream, streamSequence, deliveryCount } = message.info;
  const headers = rawHeadersFrom(message.headers);
  const own = ['X-Nats-Stream', stream, 'X-Nats-Sequence', String(streamSequence)];
  own.push('X-Nats-Delivery', String(deliveryCount));
  return {
    id: idOf(message),
    attempt: deliveryCount,
    topic: message.subject,
    headers,
    callHeaders: callHeadersFrom(headers, own),
    body: message.data,
    async acknowledge() {
      await message.ackAck({ timeout: acknowledgeMs });
    },
    putOff(delayMs) {
      message.nak(delayMs);
      return Promise.resolve();
    },
    extend: () => message.working(),
  };
}

/** A stream that was deleted and made again counts from 1 again; the time tells them apart. */
function idOf({ info, timestampNanos }: JsMsg): string {
  const text = `${info.consumer}\n${info.stream}\n${info.streamSequence}\n${timestampNanos}`;
  return `nats-${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}

function isMissing(reason: unknown): boolean {
  const code = (reason as { code?: unknown }).code;
  return code === 10_059 || code === 10_014;
}

function translate(reason: unknown): TinderboxError {
  if (reason instanceof TinderboxError) return reason;
  const { name, message } = reason instanceof Error ? reason : { name: '', message: String(reason) };
  const text =
    name === 'NoRespondersError' || /jetstream.*not enabled/i.test(message)
      ? 'JetStream is not enabled there'
      : message;
  return new TinderboxError('unavailable', `NATS: ${text}`, { cause: reason });
}
