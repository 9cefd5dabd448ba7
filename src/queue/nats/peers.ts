import { TinderboxError } from '../../model/errors.ts';
import type { NatsLink } from './link.ts';
import type { Running } from './records.ts';
import type { Subjects } from './subjects.ts';

/** Other platforms at work on the same queue: what they run stands in their memory, and is asked for. */
export interface Peers {
  /** Which of these calls run elsewhere. */
  running(ids: readonly string[]): Promise<ReadonlyMap<string, Running>>;
  /** Tells all that a call was cancelled. */
  sayCanceled(id: string): void;
  close(): void;
}

export interface PeersOptions {
  readonly platform: string;
  readonly runningHere: (id: string) => Running | undefined;
  readonly onCanceled: (id: string) => void;
}

const hereEveryMs = 2_000;
const goneAfterMs = 7_000;
const askMs = 500;

export function createPeers(link: NatsLink, subjects: Subjects, options: PeersOptions): Peers {
  return new LinkedPeers(link, subjects, options);
}

class LinkedPeers implements Peers {
  readonly #link: NatsLink;
  readonly #subjects: Subjects;
  readonly #options: PeersOptions;
  /** When each was heard last. */
  readonly #heardMs = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(link: NatsLink, subjects: Subjects, options: PeersOptions) {
    this.#link = link;
    this.#subjects = subjects;
    this.#options = options;
    const { connection } = link;
    connection.subscribe(subjects.word('here'), { callback: (_, message) => this.#hear(message.string()) });
    connection.subscribe(subjects.word('canceled'), { callback: (_, message) => options.onCanceled(message.string()) });
    connection.subscribe(subjects.word('running'), {
      callback: (_, message) => {
        const { from, ids } = message.json() as { from: string; ids: readonly string[] };
        if (from === options.platform) return;
        const here = ids.flatMap((id) => {
          const running = options.runningHere(id);
          return running === undefined ? [] : [[id, running]];
        });
        message.respond(JSON.stringify(here));
      },
    });
    this.#timer = setInterval(() => this.#say('here', options.platform), hereEveryMs).unref();
    this.#say('here', options.platform);
  }

  async running(ids: readonly string[]): Promise<ReadonlyMap<string, Running>> {
    const peers = this.#alive();
    if (peers === 0 || ids.length === 0) return new Map();
    try {
      const question = JSON.stringify({ from: this.#options.platform, ids });
      const answers = await this.#link.connection.requestMany(this.#subjects.word('running'), question, {
        strategy: 'count',
        maxMessages: peers,
        maxWait: askMs,
      });
      const found = new Map<string, Running>();
      for await (const answer of answers) {
        for (const [id, running] of answer.json() as readonly (readonly [string, Running])[]) found.set(id, running);
      }
      return found;
    } catch (error) {
      throw new TinderboxError('unavailable', 'NATS does not answer', { retryAfterMs: 1000, cause: error });
    }
  }

  sayCanceled(id: string): void {
    this.#say('canceled', id);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #say(what: 'here' | 'canceled', text: string): void {
    if (this.#link.isUp()) this.#link.connection.publish(this.#subjects.word(what), text);
  }

  #hear(platform: string): void {
    if (platform === this.#options.platform) return;
    // One that is new to us is told of us, so that both know of each other at once.
    if (!this.#heardMs.has(platform)) this.#say('here', this.#options.platform);
    this.#heardMs.set(platform, performance.now());
  }

  #alive(): number {
    const nowMs = performance.now();
    for (const [platform, heardMs] of this.#heardMs) if (nowMs - heardMs > goneAfterMs) this.#heardMs.delete(platform);
    return this.#heardMs.size;
  }
}
