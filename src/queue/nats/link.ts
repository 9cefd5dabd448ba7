/**
 * One connection to NATS, and the few requests of JetStream's published protocol (ADR-1, 13, 31, 50) the queue is made of.
 *
 * Owns: the connection, whether it is up, and who waits for which answer. Does not own what messages mean.
 * 1. A request that gets no answer within its time rejects with `unavailable`; what became of it is then unknown.
 * 2. A condition that did not hold rejects with `conflict`, a full disk with `disk-full`.
 */
import { createInbox, headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { TinderboxError } from '../../model/errors.ts';
import { natsReconnected } from '../../observe/channels.ts';

export interface NatsMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A message of the stream. */
export interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
  header(name: string): string;
}

export interface NatsLink {
  /** Whether it is connected, as far as is known. */
  isUp(): boolean;
  readonly connection: NatsConnection;
  /** A request of the JSON API, below `$JS.API`. */
  api(path: string, body: unknown): Promise<Readonly<Record<string, unknown>>>;
  /** Everything that comes back for a request until `isLast`, that one included. */
  gather(subject: string, body: unknown, isLast: (message: Msg, count: number) => boolean): Promise<readonly Msg[]>;
  /** The same for messages that keep their own subject on their way. */
  pull(subject: string, body: unknown, isLast: (message: Msg, count: number) => boolean): Promise<readonly Msg[]>;
  /** Stores all or none of them in the stream, in their order; resolves with the number of the last one. */
  publish(messages: readonly NatsMessage[]): Promise<number>;
  /** Calls back when the connection is lost (false) and there again (true). */
  watch(listener: (isUp: boolean) => void): void;
  close(): Promise<void>;
}

/** An answer may wait for a disk. */
const answerTimeoutMs = 5_000;
/** Two codes say it: with the sequence that stands there, and without. */
const wrongLastSequence: readonly unknown[] = [10_071, 10_164];

export function createLink(connection: NatsConnection): NatsLink {
  return new ConnectionLink(connection);
}

interface Waiting {
  readonly got: Msg[];
  readonly isLast: (message: Msg, count: number) => boolean;
  readonly resolve: (messages: readonly Msg[]) => void;
  readonly reject: (error: TinderboxError) => void;
  readonly timer: NodeJS.Timeout;
}

class ConnectionLink implements NatsLink {
  readonly connection: NatsConnection;
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, Waiting>();
  readonly #listeners: ((isUp: boolean) => void)[] = [];
  #next = 0;
  #up = true;

  constructor(connection: NatsConnection) {
    this.connection = connection;
    connection.subscribe(`${this.#inbox}.*`, { callback: (_, message) => this.#hear(message) });
    void this.#follow();
  }

  isUp(): boolean {
    return this.#up;
  }

  watch(listener: (isUp: boolean) => void): void {
    this.#listeners.push(listener);
  }

  async api(path: string, body: unknown): Promise<Readonly<Record<string, unknown>>> {
    const [answer] = await this.gather(`$JS.API.${path}`, body, () => true);
    return answerOf(path, answer);
  }

  gather(subject: string, body: unknown, isLast: Waiting['isLast']): Promise<readonly Msg[]> {
    const payload = body === undefined ? '' : JSON.stringify(body);
    return this.#ask(isLast, (reply) => this.connection.publish(subject, payload, { reply }));
  }

  async pull(subject: string, body: unknown, isLast: Waiting['isLast']): Promise<readonly Msg[]> {
    const inbox = createInbox();
    let token = '';
    const subscription = this.connection.subscribe(inbox, { callback: (_, message) => this.#take(token, message) });
    try {
      return await this.#ask(isLast, (reply) => {
        token = reply.slice(this.#inbox.length + 1);
        this.connection.publish(subject, JSON.stringify(body), { reply: inbox });
      });
    } finally {
      subscription.unsubscribe();
    }
  }

  async publish(messages: readonly NatsMessage[]): Promise<number> {
    const [answer] = await this.#ask(
      () => true,
      (reply) => this.#send(messages, reply),
    );
    return Number(answerOf('storing', answer)['seq']);
  }

  async close(): Promise<void> {
    for (const token of this.#waiting.keys()) this.#fail(token, 'is left: the queue is closed');
    await this.connection.close();
  }

  /** A single message needs no batch: the server spares itself a file for it. */
  #send(messages: readonly NatsMessage[], reply: string): void {
    const batch = `${this.#inbox.slice(-12)}-${this.#next}`;
    messages.forEach(({ subject, data, headers: given }, at) => {
      const head = headers();
      for (const [name, value] of Object.entries(given ?? {})) head.set(name, value);
      const isLast = at === messages.length - 1;
      if (messages.length > 1) {
        head.set('Nats-Batch-Id', batch);
        head.set('Nats-Batch-Sequence', String(at + 1));
        if (isLast) head.set('Nats-Batch-Commit', '1');
      }
      this.connection.publish(subject, data, isLast ? { headers: head, reply } : { headers: head });
    });
  }

  #ask(isLast: Waiting['isLast'], send: (reply: string) => void): Promise<readonly Msg[]> {
    if (!this.#up) return Promise.reject(away('is not connected'));
    const token = String((this.#next += 1));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#fail(token, `gives no answer within ${answerTimeoutMs} ms`),
        answerTimeoutMs,
      );
      this.#waiting.set(token, { got: [], isLast, resolve, reject, timer });
      try {
        send(`${this.#inbox}.${token}`);
      } catch (error) {
        this.#fail(token, error instanceof Error ? error.message : String(error));
      }
    });
  }

  #hear(message: Msg): void {
    this.#take(message.subject.slice(this.#inbox.length + 1), message);
  }

  #take(token: string, message: Msg): void {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return;
    waiting.got.push(message);
    if (!waiting.isLast(message, waiting.got.length)) return;
    this.#waiting.delete(token);
    clearTimeout(waiting.timer);
    waiting.resolve(waiting.got);
  }

  #fail(token: string, why: string): void {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return;
    this.#waiting.delete(token);
    clearTimeout(waiting.timer);
    waiting.reject(away(why));
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === 'disconnect' || type === 'staleConnection' || type === 'close') this.#turn(false);
      if (type !== 'reconnect') continue;
      natsReconnected.publish({ at: this.connection.getServer() });
      this.#turn(true);
    }
  }

  #turn(isUp: boolean): void {
    if (this.#up === isUp) return;
    this.#up = isUp;
    if (!isUp) for (const token of this.#waiting.keys()) this.#fail(token, 'was lost before it answered');
    for (const listener of this.#listeners) listener(isUp);
  }
}

function away(why: string): TinderboxError {
  return new TinderboxError('unavailable', `NATS ${why}`, { retryAfterMs: 1000 });
}

interface ApiError {
  readonly code?: number;
  readonly err_code?: number;
  readonly description?: string;
}

function answerOf(what: string, message: Msg | undefined): Readonly<Record<string, unknown>> {
  if (message?.headers?.code === 503) throw away(`has nobody for ${what}: is JetStream on?`);
  const answer = (message?.data.length ?? 0) === 0 ? {} : (message?.json() as Record<string, unknown>);
  const error = answer['error'] as ApiError | undefined;
  if (error === undefined) return answer;
  const text = `NATS refuses ${what}: ${error.description ?? 'without a reason'} (${error.err_code ?? error.code})`;
  if (wrongLastSequence.includes(error.err_code)) throw new TinderboxError('conflict', text);
  if (error.code === 404) throw new TinderboxError('not-found', text);
  if (error.code === 503) throw away(`refuses ${what}: ${error.description}`);
  if (/insufficient (storage )?resources|maximum bytes|no space/i.test(error.description ?? '')) {
    throw new TinderboxError('disk-full', text, { retryAfterMs: 10_000 });
  }
  throw new TinderboxError('internal', text);
}
