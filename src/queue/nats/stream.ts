import type { Msg } from '@nats-io/transport-node';
import { TinderboxError } from '../../model/errors.ts';
import type { NatsLink, StoredMessage } from './link.ts';
import type { Subjects } from './subjects.ts';

/** What the queue reads of its stream, and takes out of it. */
export interface QueueStream {
  /** The newest message of every subject that one of the filters covers. */
  last(filters: readonly string[]): Promise<readonly StoredMessage[]>;
  /** Messages of a filter from a number on, oldest first, about `most`. */
  page(filter: string, fromSeq: number, most: number): Promise<readonly StoredMessage[]>;
  /** The newest messages of a filter, newest first, that `keep` wants. */
  newest(filter: string, limit: number, keep: (message: StoredMessage) => boolean): Promise<readonly StoredMessage[]>;
  remove(seq: number): Promise<boolean>;
  /** Removes all of a filter, except the newest `keep`; resolves with how many. */
  purge(filter: string, keep?: number): Promise<number>;
}

/** The server answers for at most so many subjects at once. */
const mostSubjects = 500;
const pageMessages = 512;
const pageBytes = 4 * 2 ** 20;
/** Of a backlog, only so much is looked through: a list must not hold up calls. */
const mostPages = 40;

export function createStream(link: NatsLink, { stream }: Subjects): QueueStream {
  return new LinkedStream(link, stream);
}

class LinkedStream implements QueueStream {
  readonly #link: NatsLink;
  readonly #name: string;

  constructor(link: NatsLink, name: string) {
    this.#link = link;
    this.#name = name;
  }

  async last(filters: readonly string[]): Promise<readonly StoredMessage[]> {
    const found: StoredMessage[] = [];
    for (let at = 0; at < filters.length; at += mostSubjects) {
      found.push(...(await this.#get({ multi_last: filters.slice(at, at + mostSubjects) })));
    }
    return found;
  }

  page(filter: string, fromSeq: number, most: number): Promise<readonly StoredMessage[]> {
    return this.#get({ batch: most, max_bytes: pageBytes, seq: Math.max(1, fromSeq), next_by_subj: filter });
  }

  /** There is no reading backwards: windows at the end are read forwards, each wider than the one before. */
  async newest(
    filter: string,
    limit: number,
    keep: (message: StoredMessage) => boolean,
  ): Promise<readonly StoredMessage[]> {
    const info = await this.#link.api(`STREAM.INFO.${this.#name}`, undefined);
    const { first_seq: first, last_seq: last } = info['state'] as { first_seq: number; last_seq: number };
    const found: StoredMessage[] = [];
    let [end, width, pages] = [last, 4 * limit, 0];
    while (end >= first && found.length < limit && pages < mostPages) {
      const begin = Math.max(first, end - width + 1);
      const window: StoredMessage[] = [];
      for (let from = begin; from <= end && pages < mostPages; pages += 1) {
        const page = await this.page(filter, from, pageMessages);
        window.push(...page.filter((message) => message.seq <= end && keep(message)));
        from = page.length === 0 ? end + 1 : (page.at(-1)?.seq ?? end) + 1;
      }
      found.push(...window.reverse());
      end = begin - 1;
      width *= 4;
    }
    return found.slice(0, limit);
  }

  async remove(seq: number): Promise<boolean> {
    try {
      await this.#link.api(`STREAM.MSG.DELETE.${this.#name}`, { seq, no_erase: true });
      return true;
    } catch (error) {
      if (TinderboxError.from(error).code === 'unavailable') throw error;
      return false;
    }
  }

  async purge(filter: string, keep = 0): Promise<number> {
    const body = keep === 0 ? { filter } : { filter, keep };
    return Number((await this.#link.api(`STREAM.PURGE.${this.#name}`, body))['purged'] ?? 0);
  }

  async #get(body: unknown): Promise<readonly StoredMessage[]> {
    const messages = await this.#link.gather(`$JS.API.DIRECT.GET.${this.#name}`, body, isStatus);
    const status = messages.at(-1)?.headers;
    if (status?.code !== 204 && status?.code !== 404) {
      const text = `NATS cannot read its stream: ${status?.code} ${status?.description}`;
      throw new TinderboxError('unavailable', text, { retryAfterMs: 1000 });
    }
    return messages.slice(0, -1).map(storedMessage);
  }
}

function isStatus({ headers }: Msg): boolean {
  return headers !== undefined && headers.code !== 0;
}

function storedMessage({ headers, data }: Msg): StoredMessage {
  const header = (name: string): string => headers?.get(name) ?? '';
  return { subject: header('Nats-Subject'), seq: Number(header('Nats-Sequence')), data, header };
}
