import { TinderboxError } from '../../model/errors.ts';
import type { Job } from '../job.ts';
import type { DeadLetters } from '../queue.ts';
import type { CallFact, CallReader } from './call-reader.ts';
import type { CallWriter } from './call-writer.ts';
import type { Committer } from './committer.ts';
import type { LaneChange, LaneCounts } from './lane-counts.ts';
import type { StoredMessage } from './link.ts';
import { type DeadRecord, letterFromRecord, noPast, parseDeadRecord, recordOfJob } from './records.ts';
import type { QueueStream } from './stream.ts';
import type { Subjects } from './subjects.ts';

export interface LettersParts {
  readonly stream: QueueStream;
  readonly subjects: Subjects;
  readonly reader: CallReader;
  readonly writer: CallWriter;
  readonly committer: Pick<Committer, 'commit'>;
  readonly counts: LaneCounts;
  readonly most: number;
  readonly now: () => number;
  readonly tell: (job: Pick<Job, 'lane' | 'dueMs'>) => void;
}

export interface StoredLetters extends DeadLetters {
  /** Lets the oldest go when there are more than are kept. */
  trim(): Promise<void>;
}

const pageMessages = 512;
const tries = 5;

/** Dead letters in the stream: a record each, with its body beside it. */
export function createStoredLetters(parts: LettersParts): StoredLetters {
  return new StreamLetters(parts);
}

class StreamLetters implements StoredLetters {
  readonly #parts: LettersParts;

  constructor(parts: LettersParts) {
    this.#parts = parts;
  }

  async list({ lane, limit, beforeMs = Number.POSITIVE_INFINITY }: Parameters<DeadLetters['list']>[0]) {
    const { stream, subjects } = this.#parts;
    const diedBefore = (message: StoredMessage): boolean =>
      (letterOf(message)?.diedMs ?? Number.POSITIVE_INFINITY) < beforeMs;
    const found = await stream.newest(subjects.placeOf('dead', lane), limit, diedBefore);
    return found.flatMap((message) => {
      const record = letterOf(message);
      return record === undefined ? [] : [letterFromRecord(record, new Uint8Array())];
    });
  }

  async get(id: string) {
    const record = (await this.#find(id))?.record;
    if (record === undefined) return undefined;
    return letterFromRecord(record, await this.#parts.reader.body(record, new Uint8Array()));
  }

  async replay(id: string): Promise<boolean> {
    for (let turn = 0; turn < tries; turn += 1) {
      const found = await this.#find(id);
      if (found === undefined) return false;
      // The same id was taken in again meanwhile: it is a job already, and the newest word about the call.
      if (found.newest?.isLive === true) return await this.#remove(found.record, found.fact.seq);
      try {
        await this.#putBack(found.fact, found.record, found.newest?.seq ?? 0);
        return true;
      } catch (error) {
        if (TinderboxError.from(error).code !== 'conflict') throw error;
      }
    }
    throw new TinderboxError('unavailable', `dead letter ${id} is being changed by others`, { retryAfterMs: 1000 });
  }

  async purge(what: { readonly id: string } | { readonly lane: string }): Promise<number> {
    const { stream, subjects } = this.#parts;
    if ('id' in what) {
      const found = await this.#find(what.id);
      return found !== undefined && (await this.#remove(found.record, found.fact.seq)) ? 1 : 0;
    }
    let count = 0;
    for (;;) {
      const page = await stream.page(subjects.placeOf('dead', what.lane), 1, pageMessages);
      for (const message of page) {
        const record = letterOf(message);
        if ((await this.#remove(record, message.seq)) && record !== undefined) count += 1;
      }
      if (page.length === 0) return count;
    }
  }

  async trim(): Promise<void> {
    const { stream, subjects, most } = this.#parts;
    const filter = subjects.placeOf('dead');
    for (;;) {
      const [oldest] = await stream.page(filter, 1, 1);
      if (oldest === undefined || 1 + Number(oldest.header('Nats-Num-Pending')) <= most) return;
      await this.#remove(letterOf(oldest), oldest.seq);
    }
  }

  async #find(id: string): Promise<{ fact: CallFact; record: DeadRecord; newest: CallFact | undefined } | undefined> {
    const { newest, at } = await this.#parts.reader.find(id);
    const fact = at.get('dead');
    const record = fact === undefined ? undefined : letterOf(fact.message);
    return fact === undefined || record === undefined ? undefined : { fact, record, newest };
  }

  async #putBack(fact: CallFact, letter: DeadRecord, condition: number): Promise<void> {
    const { reader, writer, committer, counts, now, tell } = this.#parts;
    const { lane, priority, id } = fact;
    const nowMs = now();
    const body = await reader.body(letter, new Uint8Array());
    const { createdMs } = letter;
    const payload = { ...letter.payload, sinceMs: nowMs };
    const record = recordOfJob({ id, lane, priority, createdMs, payload, body, dueMs: nowMs, rememberMs: 0 }, noPast);
    const changes: LaneChange[] = [{ lane, priority, jobs: 1, bytes: record.bytes }];
    // The job comes last: it is the newest word about the call.
    const gone = [writer.noLetter(fact, condition), ...writer.noBody(id, letter.parts)];
    const messages = [...gone, ...writer.job(record, body, nowMs)];
    counts.reserve(changes);
    try {
      await committer.commit({ messages, changes, about: [id], impatient: true });
    } finally {
      counts.release(changes);
    }
    tell(record);
  }

  async #remove(record: DeadRecord | undefined, seq: number): Promise<boolean> {
    const { stream, subjects } = this.#parts;
    const removed = await stream.remove(seq);
    const { id = '', parts } = record ?? {};
    if (parts !== undefined) await stream.purge(subjects.body(id, parts.nonce, '*'));
    return removed;
  }
}

function letterOf({ data }: StoredMessage): DeadRecord | undefined {
  return parseDeadRecord(data)?.record;
}
