/**
 * Writes what one platform decides, many decisions in one step.
 *
 * Owns: what waits to be written, and the platform's own commit record. Does not own what a decision means.
 * 1. Decisions that wait together are stored in one atomic batch, all or none; of one whose condition does not hold, and
 *    of it alone, nothing is stored.
 * 2. Batches of a platform follow one another: each is conditional on the commit record of the one before. So one whose
 *    answer was lost is either found written, or can never be written any more.
 * 3. The counts of a lane change in the batch that changes the lane.
 */
import { TinderboxError } from '../../model/errors.ts';
import type { LaneCounts, LaneChange } from './lane-counts.ts';
import type { NatsLink, NatsMessage } from './link.ts';
import type { QueueStream } from './stream.ts';
import type { Subjects } from './subjects.ts';

export interface Decision {
  readonly messages: readonly NatsMessage[];
  readonly changes: readonly LaneChange[];
  /** Whom it concerns: two decisions about the same never share a batch. */
  readonly about: readonly string[];
  /** Whether somebody waits who is better told soon that it cannot be done: then it is not tried again. */
  readonly impatient: boolean;
}

export interface Committer {
  /** Resolves when it is stored. Rejects with `conflict`, `disk-full`, `unavailable`, or `internal`. */
  commit(decision: Decision): Promise<void>;
  /** Takes note of what the last process of this platform wrote. */
  start(): Promise<void>;
  /** To be called when NATS is back. */
  wake(): void;
  /** Whether the last batch has no answer yet that can be trusted. */
  isStuck(): boolean;
  /** Waits for what was taken, but not for NATS to come back. */
  close(): Promise<void>;
}

/** A batch of the server's holds at most 1,000 messages. */
const mostMessages = 800;
const mostBytes = 4 * 2 ** 20;
const mostWaiting = 10_000;
const againMs = 500;

interface Waiting extends Decision {
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: TinderboxError) => void;
}

export interface CommitterParts {
  readonly link: NatsLink;
  readonly stream: QueueStream;
  readonly subjects: Subjects;
  readonly counts: LaneCounts;
  readonly platform: string;
}

export function createCommitter(parts: CommitterParts): Committer {
  return new GroupCommitter(parts);
}

class GroupCommitter implements Committer {
  readonly #parts: CommitterParts;
  #waiting: Waiting[] = [];
  #busy: Promise<void> | undefined;
  #closing = false;
  /** Number of the commit record in the stream, and the count of batches that stands in it. */
  #commitSeq = 0;
  #batch = 0;
  /** A batch of unknown fate. */
  #lost: readonly Waiting[] | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const [seq, batch] = await this.#readCommit();
    [this.#commitSeq, this.#batch] = [seq, batch];
  }

  commit(decision: Decision): Promise<void> {
    if (this.#closing) return Promise.reject(unavailable('the queue is closed'));
    if (decision.impatient && (this.isStuck() || this.#waiting.length >= mostWaiting)) {
      return Promise.reject(unavailable('NATS does not answer, calls cannot be stored'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const bytes = decision.messages.reduce((sum, { data }) => sum + data.byteLength, 0);
    this.#waiting.push({ ...decision, bytes, resolve, reject });
    this.wake();
    return promise;
  }

  isStuck(): boolean {
    return this.#lost !== undefined || !this.#parts.link.isUp();
  }

  wake(): void {
    if (this.#busy !== undefined) return;
    clearTimeout(this.#timer);
    // Decisions of the same tick go together.
    this.#busy = new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#work());
  }

  async close(): Promise<void> {
    this.#closing = true;
    while (this.#waiting.length > 0 && !this.isStuck()) {
      this.wake();
      await this.#busy;
    }
    await this.#busy;
    clearTimeout(this.#timer);
    for (const { reject } of [...this.#waiting, ...(this.#lost ?? [])]) reject(unavailable('the queue is closed'));
    this.#waiting = [];
  }

  async #work(): Promise<void> {
    try {
      if (this.#lost !== undefined) await this.#resolveLost(this.#lost);
      while (this.#waiting.length > 0) await this.#write(this.#takeGroup());
    } catch {
      // Whose turn it was has been told, or is still in line: NATS is away.
      this.#refuseImpatient();
      if (!this.#closing) this.#timer = setTimeout(() => this.wake(), againMs).unref();
    }
    this.#busy = undefined;
    if (this.#waiting.length > 0 && !this.isStuck()) this.wake();
  }

  /** As many as fit, none about what another one is about. */
  #takeGroup(): Waiting[] {
    const group: Waiting[] = [];
    const left: Waiting[] = [];
    const about = new Set<string>();
    let [messages, bytes] = [0, 0];
    for (const one of this.#waiting) {
      const fits = messages + one.messages.length + one.changes.length < mostMessages && bytes + one.bytes < mostBytes;
      const free = !one.about.some((key) => about.has(key));
      for (const key of one.about) about.add(key);
      if (group.length > 0 && !(fits && free)) {
        left.push(one);
        continue;
      }
      group.push(one);
      messages += one.messages.length + one.changes.length;
      bytes += one.bytes;
    }
    this.#waiting = left;
    return group;
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const { link, counts } = this.#parts;
    const changes = group.flatMap((one) => one.changes);
    const messages = [this.#commitMessage(), ...counts.messages(changes), ...group.flatMap((one) => one.messages)];
    try {
      const lastSeq = await link.publish(messages);
      this.#done(group, lastSeq - messages.length + 1);
    } catch (reason) {
      await this.#failed(group, TinderboxError.from(reason));
    }
  }

  #commitMessage(): NatsMessage {
    const { subjects, platform } = this.#parts;
    const headers = { 'Nats-Expected-Last-Subject-Sequence': String(this.#commitSeq) };
    return { subject: subjects.commit(platform), data: Buffer.from(String(this.#batch + 1)), headers };
  }

  #done(group: readonly Waiting[], commitSeq: number): void {
    this.#batch += 1;
    this.#commitSeq = commitSeq;
    for (const { changes, resolve } of group) {
      this.#parts.counts.commit(changes);
      resolve();
    }
  }

  async #failed(group: readonly Waiting[], error: TinderboxError): Promise<void> {
    if (error.code === 'unavailable') {
      this.#lost = group;
      throw error;
    }
    if (error.code === 'conflict' && group.length === 1) await this.#assertOwnTurn();
    if (group.length === 1) {
      for (const { reject } of group) reject(error);
      return;
    }
    // One of them spoils it for all: each by itself.
    for (const [at, one] of group.entries()) {
      try {
        await this.#write([one]);
      } catch (reason) {
        this.#waiting.unshift(...group.slice(at + 1));
        throw reason;
      }
    }
  }

  /** The condition that did not hold may have been the commit record's own. */
  async #assertOwnTurn(): Promise<void> {
    const [seq, batch] = await this.#readCommit();
    if (seq === this.#commitSeq) return;
    [this.#commitSeq, this.#batch] = [seq, batch];
  }

  /** Finds out what became of a batch that got no answer, and makes sure that it stays so. */
  async #resolveLost(group: readonly Waiting[]): Promise<void> {
    const tried = this.#batch + 1;
    let [seq, batch] = await this.#readCommit();
    if (batch < tried) {
      // Takes the place the lost batch is conditional on: if it has not come by now, it never will.
      const { link, subjects, platform } = this.#parts;
      const headers = { 'Nats-Expected-Last-Subject-Sequence': String(this.#commitSeq) };
      try {
        const data = Buffer.from(String(this.#batch));
        seq = await link.publish([{ subject: subjects.commit(platform), data, headers }]);
      } catch (error) {
        if (TinderboxError.from(error).code !== 'conflict') throw error;
        [seq, batch] = await this.#readCommit();
      }
    }
    this.#lost = undefined;
    if (batch >= tried) return this.#done(group, seq);
    this.#commitSeq = seq;
    this.#waiting.unshift(...group);
    this.#refuseImpatient();
  }

  #refuseImpatient(): void {
    const patient = this.#waiting.filter(({ impatient }) => !impatient);
    const refused = this.#waiting.filter(({ impatient }) => impatient);
    this.#waiting = patient;
    for (const { reject } of refused) reject(unavailable('NATS does not answer, calls cannot be stored'));
    // Of the lost one nobody knows yet whether it is stored: whoever waits for it is told so, the counts wait.
    for (const { impatient, reject } of this.#lost ?? []) {
      if (impatient) reject(unavailable('NATS did not answer: whether the call is stored is not known'));
    }
  }

  async #readCommit(): Promise<readonly [seq: number, batch: number]> {
    const { stream, subjects, platform } = this.#parts;
    const [record] = await stream.last([subjects.commit(platform)]);
    return record === undefined ? [0, 0] : [record.seq, Number(Buffer.from(record.data).toString())];
  }
}

function unavailable(message: string): TinderboxError {
  return new TinderboxError('unavailable', message, { retryAfterMs: 1000 });
}
