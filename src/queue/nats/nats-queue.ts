/**
 * The queue in NATS JetStream, shared by all platforms that are given the same name.
 *
 * Owns: the parts below, who hears of lanes with work, and what is looked at from time to time. docs/nats.md says how each
 * promise of the queue is kept.
 * 1. Listeners hear of a lane after what gave it work is stored.
 * 2. What was not heard is found: every lane that holds something is told again, at least once in a lease time.
 */
import { LaneListeners } from '../lane-listeners.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { TinderboxError } from '../../model/errors.ts';
import { notice } from '../../observe/channels.ts';
import type { Job, LeasedJob } from '../job.ts';
import type { Backbone, JobQueue, LaneDepth, QueueLimits, Settlement } from '../queue.ts';
import { type CallDecisions, createCallDecisions } from './call-decisions.ts';
import { createCallReader } from './call-reader.ts';
import { createCallWriter } from './call-writer.ts';
import { type Committer, createCommitter } from './committer.ts';
import { describeBackbone } from './describe-backbone.ts';
import { connectNats } from './connect-nats.ts';
import { countHeader, LaneCounts } from './lane-counts.ts';
import { createLaneConsumers, type LaneConsumers } from './lane-consumers.ts';
import { createLeaseDesk, type Held, type LeaseDesk } from './lease-desk.ts';
import { createLink, type NatsLink } from './link.ts';
import type { NatsAccess } from '../../model/nats-access.ts';
import { assertServer, openStream } from './open-stream.ts';
import { createPeers, type Peers } from './peers.ts';
import type { Past } from './records.ts';
import { createStoredHistory } from './stored-history.ts';
import { createStoredLetters, type StoredLetters } from './stored-letters.ts';
import { createStream, type QueueStream } from './stream.ts';
import { createSubjects, type Subjects } from './subjects.ts';

export interface NatsQueueOptions {
  readonly access: NatsAccess;
  /** All platforms that share the queue have the same. */
  readonly name: string;
  /** Of this platform alone, the same after a restart. */
  readonly platform: string;
  /** Copies of the stream in a cluster. */
  readonly replicas: number;
  /** How long a platform may be silent before its calls are handed to others, in ms. */
  readonly leaseMs: number;
  readonly limits: QueueLimits;
  /** Unix time in ms; default `Date.now`. */
  readonly now?: () => number;
}

/** Rejects with `config` (server too old, no JetStream, no access) or `unavailable` (nobody answers). */
export async function createNatsQueue(options: NatsQueueOptions): Promise<JobQueue> {
  const connection = await connectNats(options.access, `tinderbox ${options.platform}`);
  try {
    const { version = '0', jetstream = false } = connection.info ?? {};
    assertServer(version, jetstream);
    const link = createLink(connection);
    const subjects = createSubjects(options.name);
    await openStream(link, subjects, options.replicas);
    const queue = new NatsQueue(link, subjects, options);
    await queue.start();
    return queue;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

const freshMs = [5, 40] as const;
/** Wait before an outcome that NATS did not take is written again. */
const settleAgainMs = 500;

/** What the history may hold beyond its bound before it is cut. */
const slackOf = (most: number): number => (most < 1000 ? 0 : Math.floor(most / 20));

class NatsQueue implements JobQueue {
  readonly deadLetters: StoredLetters;
  readonly history: JobQueue['history'];
  readonly #link: NatsLink;
  readonly #subjects: Subjects;
  readonly #options: NatsQueueOptions;
  readonly #stream: QueueStream;
  readonly #counts: LaneCounts;
  readonly #committer: Committer;
  readonly #consumers: LaneConsumers;
  readonly #decisions: CallDecisions;
  readonly #desk: LeaseDesk;
  readonly #peers: Peers;
  readonly backbone: Backbone;
  readonly #listeners = new LaneListeners();
  readonly #canceledListeners: ((id: string) => void)[] = [];
  /** Lanes that were told and not leased of since. */
  readonly #fresh = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #overSinceTrim = 0;
  #closed = false;

  constructor(link: NatsLink, subjects: Subjects, options: NatsQueueOptions) {
    const { platform, limits, leaseMs, now = Date.now } = options;
    this.#link = link;
    this.#subjects = subjects;
    this.#options = options;
    this.backbone = describeBackbone(link, subjects, options);
    const stream = createStream(link, subjects);
    this.#stream = stream;
    const reader = createCallReader(stream, subjects);
    const writer = createCallWriter(subjects, link.connection.info?.max_payload ?? 2 ** 20, limits);
    const counts = new LaneCounts(subjects, platform, limits);
    this.#counts = counts;
    const committer = createCommitter({ link, stream, subjects, counts, platform });
    this.#committer = committer;
    this.#consumers = createLaneConsumers(link, subjects, leaseMs);
    const shared = { subjects, reader, writer, committer, counts, now };
    const pastOf = (id: string): Past | undefined => this.#desk.past(id);
    this.#decisions = createCallDecisions({ ...shared, pastOf });
    const tell = (lane: string): void => this.#tell(lane);
    this.#desk = createLeaseDesk({ link, subjects, consumers: this.#consumers, reader, counts, leaseMs, now, tell });
    this.#peers = createPeers(link, subjects, {
      platform,
      runningHere: (id) => this.#desk.running(id),
      onCanceled: (id) => {
        if (this.#desk.forget(id)) for (const listener of this.#canceledListeners) listener(id);
      },
    });
    this.history = createStoredHistory({ stream, subjects, reader, desk: this.#desk, peers: this.#peers, now });
    const tellJob = (job: Pick<Job, 'lane' | 'dueMs'>): void => this.#tell(job.lane);
    this.deadLetters = createStoredLetters({ ...shared, stream, most: limits.deadLetters, tell: tellJob });
  }

  /** Looks what the platforms left, and listens from then on. */
  async start(): Promise<void> {
    const { connection } = this.#link;
    connection.subscribe(this.#subjects.heard, {
      callback: (_, message) =>
        this.#hear(message.headers?.get('Nats-Subject') ?? '', message.headers?.get(countHeader)),
    });
    await this.#committer.start();
    for (const record of await this.#stream.last([this.#subjects.allCounts])) {
      for (const isOwn of [true, false]) this.#counts.hear(record.header(countHeader), isOwn);
    }
    for (const { lane } of this.#counts.depth()) this.#tell(lane);
    this.#link.watch((isUp) => this.#connectionTurned(isUp));
    this.#timers.add(setInterval(() => this.#tellAll(), Math.max(250, this.#options.leaseMs / 3)).unref());
    this.#timers.add(setInterval(() => void this.#lookAround(), 10_000).unref());
  }

  async append(jobs: readonly Job[]): Promise<readonly boolean[]> {
    await this.#ensureConsumers(jobs);
    const nowMs = this.#now();
    const stored = await this.#decisions.append(jobs, nowMs);
    for (const [at, job] of jobs.entries()) if (stored[at] === true) this.#tellIfDue(job, nowMs);
    return stored;
  }

  /** While NATS is away there is nothing to lease; when it is back all lanes are told. */
  async lease(lane: string, most: number): Promise<readonly LeasedJob[]> {
    if (!this.#link.isUp()) return [];
    try {
      return await this.#leaseFresh(lane, most);
    } catch (error) {
      if (this.#closed || !this.#link.isUp()) return [];
      throw error;
    }
  }

  /** The server counts what is ready a moment after it has stored it: what was just told is asked for again. */
  async #leaseFresh(lane: string, most: number): Promise<readonly LeasedJob[]> {
    const isFresh = this.#fresh.delete(lane);
    for (const waitMs of freshMs) {
      const leased = await this.#desk.lease(lane, most);
      if (leased.length > 0 || !isFresh || this.#counts.jobsOf(lane) <= this.#desk.heldOf(lane)) return leased;
      await delay(waitMs);
    }
    return await this.#desk.lease(lane, most);
  }

  async settle(job: LeasedJob, settlement: Settlement): Promise<boolean> {
    const held = this.#desk.held(job);
    if (held === undefined) return false;
    const nowMs = this.#now();
    const settled = await this.#decide(held, settlement, nowMs);
    this.#desk.release(held);
    if (!settled) return false;
    if (settlement.outcome === 'retry') this.#tellIfDue({ lane: job.lane, dueMs: settlement.atMs }, nowMs);
    else for (const next of settlement.next) this.#tellIfDue(next, nowMs);
    if (settlement.outcome === 'dead') await this.deadLetters.trim().catch((error: unknown) => this.#warn(error));
    if (settlement.outcome === 'done') await this.#trimHistory();
    return true;
  }

  /** An outcome waits for NATS: whoever has it would have to give the call up, and nobody else gets it while it is held. */
  async #decide(held: Held, settlement: Settlement, nowMs: number): Promise<boolean> {
    for (;;) {
      try {
        if (settlement.outcome !== 'retry') await this.#ensureConsumers(settlement.next);
        return await this.#decisions.settle(held, settlement, nowMs);
      } catch (error) {
        if (this.#closed || TinderboxError.from(error).code !== 'unavailable') throw error;
        await delay(settleAgainMs, undefined, { ref: false });
      }
    }
  }

  async cancel(id: string): Promise<boolean> {
    const fact = await this.#decisions.cancel(id);
    if (fact === undefined) return false;
    this.#desk.forget(id);
    this.#peers.sayCanceled(id);
    // It is cancelled by now: what is left of it is dropped when it is handed out.
    await this.#stream.remove(fact.seq).catch((error: unknown) => this.#warn(error));
    await this.#trimHistory();
    return true;
  }

  async depth(): Promise<readonly LaneDepth[]> {
    return this.#counts.depth();
  }

  watch(listener: (lane: string) => void): () => void {
    return this.#listeners.add(listener);
  }

  watchCanceled(listener: (id: string) => void): void {
    this.#canceledListeners.push(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#peers.close();
    await this.#committer.close();
    await this.#desk.close();
    await this.#link.close();
  }

  async #ensureConsumers(jobs: readonly Job[]): Promise<void> {
    await Promise.all(jobs.map(({ lane, priority }) => this.#consumers.ensure(lane, priority)));
  }

  async #trimHistory(): Promise<void> {
    const { history } = this.#options.limits;
    this.#overSinceTrim += 1;
    if (this.#overSinceTrim <= slackOf(history)) return;
    this.#overSinceTrim = 0;
    try {
      await this.#stream.purge(this.#subjects.placeOf('over'), history);
    } catch (error) {
      this.#warn(error);
    }
  }

  #hear(subject: string, count: string | undefined): void {
    const lane =
      count === undefined || count === '' ? this.#subjects.spotOf(subject)?.lane : this.#counts.hear(count, false);
    if (lane !== undefined) this.#tell(lane);
  }

  #connectionTurned(isUp: boolean): void {
    if (this.#closed) return;
    const message = isUp ? 'NATS is back' : 'NATS is away: calls nobody waits for are refused meanwhile';
    notice.publish({ level: isUp ? 'info' : 'warn', part: 'queue', message });
    if (!isUp) return;
    this.#committer.wake();
    void this.#lookAround();
    this.#tellAll();
  }

  #tellAll(): void {
    if (this.#link.isUp()) for (const { lane } of this.#counts.depth()) this.#tell(lane);
  }

  /** Hears again what may not have been heard. */
  async #lookAround(): Promise<void> {
    if (this.#closed || !this.#link.isUp()) return;
    try {
      const records = await this.#stream.last([this.#subjects.allCounts]);
      for (const lane of this.#counts.refresh(records.map((record) => record.header(countHeader)))) this.#tell(lane);
    } catch (error) {
      this.#warn(error);
    }
  }

  #warn(error: unknown): void {
    if (this.#closed) return;
    notice.publish({ level: 'warn', part: 'queue', message: TinderboxError.from(error).message });
  }

  /** What was put off when it was written is told by the server, once it is where it can be taken from. */
  #tellIfDue({ lane, dueMs }: Pick<Job, 'lane' | 'dueMs'>, nowMs: number): void {
    if (dueMs <= nowMs) this.#tell(lane);
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #tell(lane: string): void {
    if (this.#closed) return;
    this.#fresh.add(lane);
    this.#listeners.tell(lane);
  }
}
