/**
 * Calls this platform has been handed and works on.
 *
 * Owns: which they are, and telling the server that they are worked on. Does not own what becomes of them.
 * 1. A call is handed to one platform as long as that platform says so, three times within each lease time; one that
 *    dies is not heard any more, and its calls are handed to others.
 * 2. What is not the newest word about its call is dropped: a decision was made about it before.
 * 3. A call that is worked on here is not given out here a second time, whatever the server forgot.
 */
import { TinderboxError } from '../../model/errors.ts';
import { notice } from '../../observe/channels.ts';
import type { LeasedJob } from '../job.ts';
import type { CallReader } from './call-reader.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { Delivery, LaneConsumers } from './lane-consumers.ts';
import type { NatsLink } from './link.ts';
import { type JobRecord, jobFromRecord, type Parts, parseJobRecord, type Past, type Running } from './records.ts';
import type { Spot, Subjects } from './subjects.ts';

export interface Held {
  readonly job: LeasedJob;
  readonly parts: Parts | undefined;
  /** Of the attempts before this one. */
  readonly past: Past;
  readonly startedMs: number;
  /** The message it stands in. */
  readonly seq: number;
  reply: string;
}

export interface LeaseDesk {
  lease(lane: string, most: number): Promise<readonly LeasedJob[]>;
  /** What is held under this lease; undefined when it is void. */
  held(job: Pick<LeasedJob, 'id' | 'attempt'>): Held | undefined;
  /** The attempt under way. */
  running(id: string): Running | undefined;
  /** The attempts of a call up to the one under way. */
  past(id: string): Past | undefined;
  /** How many of a lane are held. */
  heldOf(lane: string): number;
  /** It is over: the message goes. */
  release(held: Held): void;
  /** It was cancelled; whoever works on it learns so when it is settled. */
  forget(id: string): boolean;
  /** Gives back what is held, so that others get it at once. */
  close(): Promise<void>;
}

export interface LeaseDeskParts {
  readonly link: NatsLink;
  readonly subjects: Subjects;
  readonly consumers: LaneConsumers;
  readonly reader: CallReader;
  readonly counts: LaneCounts;
  readonly leaseMs: number;
  readonly now: () => number;
  /** A lane has something to lease again. */
  readonly tell: (lane: string) => void;
}

const nsPerMs = 1e6;
const flushMs = 1000;
/** A call whose body cannot be read is looked at again after this time. */
const unreadableMs = 60_000;

export function createLeaseDesk(parts: LeaseDeskParts): LeaseDesk {
  return new StreamLeaseDesk(parts);
}

interface Arrival {
  readonly delivery: Delivery;
  readonly spot: Spot;
  readonly record: JobRecord;
  readonly beside: Uint8Array;
}

class StreamLeaseDesk implements LeaseDesk {
  readonly #parts: LeaseDeskParts;
  readonly #held = new Map<string, Held>();
  readonly #timer: NodeJS.Timeout;

  constructor(parts: LeaseDeskParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#say('+WPI'), parts.leaseMs / 3).unref();
  }

  async lease(lane: string, most: number): Promise<readonly LeasedJob[]> {
    const { consumers, counts } = this.#parts;
    const leased: LeasedJob[] = [];
    for (const priority of counts.priorities(lane)) {
      while (leased.length < most) {
        const wanted = most - leased.length;
        try {
          const deliveries = await consumers.take(lane, priority, wanted);
          leased.push(...(await this.#admit(deliveries)));
          // What was dropped may have stood before something that is good.
          if (deliveries.length < wanted) break;
        } catch (error) {
          // What is held already must be given out: nobody else ever gets it.
          if (leased.length > 0) return leased;
          throw error;
        }
      }
    }
    return leased;
  }

  held({ id, attempt }: Pick<LeasedJob, 'id' | 'attempt'>): Held | undefined {
    const held = this.#held.get(id);
    return held?.job.attempt === attempt ? held : undefined;
  }

  running(id: string): Running | undefined {
    const held = this.#held.get(id);
    return held === undefined ? undefined : { attempt: held.job.attempt, startedMs: held.startedMs };
  }

  past(id: string): Past | undefined {
    const held = this.#held.get(id);
    if (held === undefined) return undefined;
    return { attempts: held.job.attempt, startedMs: held.startedMs, used: held.past.used };
  }

  heldOf(lane: string): number {
    let count = 0;
    for (const { job } of this.#held.values()) if (job.lane === lane) count += 1;
    return count;
  }

  release(held: Held): void {
    this.#held.delete(held.job.id);
    this.#answer(held.reply, '+ACK');
  }

  forget(id: string): boolean {
    return this.#held.delete(id);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    if (!this.#parts.link.isUp()) return;
    this.#say('-NAK');
    this.#held.clear();
    const { promise: tooLong, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, flushMs);
    // Lost meanwhile: others get it when the lease is over.
    await Promise.race([this.#parts.link.connection.flush().catch(() => undefined), tooLong]);
    clearTimeout(timer);
  }

  #say(what: string): void {
    for (const { reply } of this.#held.values()) this.#answer(reply, what);
  }

  #answer(reply: string, what: string): void {
    if (this.#parts.link.isUp()) this.#parts.link.connection.publish(reply, what);
  }

  async #admit(deliveries: readonly Delivery[]): Promise<LeasedJob[]> {
    if (deliveries.length === 0) return [];
    const { subjects, reader } = this.#parts;
    const arrivals = deliveries.flatMap((delivery) => this.#open(delivery));
    const facts = await reader.facts(arrivals.map(({ spot }) => spot));
    const admitted: LeasedJob[] = [];
    for (const arrival of arrivals) {
      const newest = facts.get(subjects.all(arrival.spot));
      if (newest !== undefined && newest.seq > arrival.delivery.seq) this.#answer(arrival.delivery.reply, '+ACK');
      else if (this.#isNew(arrival) && this.#isDue(arrival)) admitted.push(...(await this.#hold(arrival)));
    }
    return admitted;
  }

  #open(delivery: Delivery): Arrival[] {
    const spot = this.#parts.subjects.spotOf(delivery.subject);
    const parsed = parseJobRecord(delivery.data);
    if (spot !== undefined && parsed !== undefined) {
      return [{ delivery, spot, record: parsed.record, beside: parsed.body }];
    }
    this.#answer(delivery.reply, '+ACK');
    return [];
  }

  /** The server lost its memory of having handed it to us: we go on, and answer to its new question. */
  #isNew({ delivery, record }: Arrival): boolean {
    const held = this.#held.get(record.id);
    if (held?.seq !== delivery.seq) return true;
    held.reply = delivery.reply;
    this.#answer(delivery.reply, '+WPI');
    return false;
  }

  /** The clocks of server and platform may differ. */
  #isDue({ delivery, record }: Arrival): boolean {
    const { now, tell } = this.#parts;
    const waitMs = record.dueMs - now();
    if (waitMs <= 0) return true;
    this.#answer(delivery.reply, `-NAK ${JSON.stringify({ delay: Math.ceil(waitMs * nsPerMs) })}`);
    setTimeout(() => tell(record.lane), waitMs + 5).unref();
    return false;
  }

  async #hold({ delivery, record, beside }: Arrival): Promise<LeasedJob[]> {
    const { reply, seq, times } = delivery;
    try {
      const body = await this.#parts.reader.body(record, beside);
      const job: LeasedJob = { ...jobFromRecord(record, body), attempt: record.attempts + times };
      this.#held.set(job.id, { job, parts: record.parts, past: record, startedMs: this.#parts.now(), seq, reply });
      return [job];
    } catch (error) {
      const { code, message } = TinderboxError.from(error);
      if (code !== 'unavailable') notice.publish({ level: 'error', part: 'queue', message: `${message}; it waits` });
      this.#answer(reply, `-NAK ${JSON.stringify({ delay: unreadableMs * nsPerMs })}`);
      return [];
    }
  }
}
