/**
 * What happens to calls: they are taken in, end, come back, are cancelled.
 *
 * Every decision is one atomic write, conditional on the newest word about its call. So of two platforms that decide
 * about the same call, whatever they know of each other, one has decided and the other learns that it has not.
 */
import { TinderboxError } from '../../model/errors.ts';
import type { CallUsage, FinishedAttempt, Job, LeasedJob } from '../job.ts';
import type { Settlement } from '../queue.ts';
import type { CallFact, CallReader } from './call-reader.ts';
import type { CallWriter } from './call-writer.ts';
import type { Committer } from './committer.ts';
import type { LaneChange, LaneCounts } from './lane-counts.ts';
import type { Held } from './lease-desk.ts';
import type { NatsMessage } from './link.ts';
import {
  deadRecordOf,
  type JobRecord,
  noPast,
  type OverRecord,
  parseJobRecord,
  type Past,
  recordOfJob,
} from './records.ts';
import type { Subjects } from './subjects.ts';

export interface DecisionParts {
  readonly subjects: Subjects;
  readonly reader: CallReader;
  readonly writer: CallWriter;
  readonly committer: Pick<Committer, 'commit'>;
  readonly counts: LaneCounts;
  readonly now: () => number;
  /** Of a call that runs here: the attempts up to this one. */
  readonly pastOf: (id: string) => Past | undefined;
}

export interface CallDecisions {
  /** `nowMs` decides which of them are put off, here and for whoever tells that they are ready. */
  append(jobs: readonly Job[], nowMs: number): Promise<readonly boolean[]>;
  /** False: somebody else has decided about it. */
  settle(held: Held, settlement: Settlement, nowMs: number): Promise<boolean>;
  /** What was cancelled; undefined: nothing. */
  cancel(id: string): Promise<CallFact | undefined>;
}

const tries = 6;

export function createCallDecisions(parts: DecisionParts): CallDecisions {
  return new StreamDecisions(parts);
}

interface Written {
  readonly messages: readonly NatsMessage[];
  readonly changes: readonly LaneChange[];
}

class StreamDecisions implements CallDecisions {
  readonly #parts: DecisionParts;

  constructor(parts: DecisionParts) {
    this.#parts = parts;
  }

  async append(jobs: readonly Job[], nowMs: number): Promise<readonly boolean[]> {
    const first = new Map(jobs.map((job, at) => [job.id, at] as const).reverse());
    const wanted = jobs.filter((job, at) => first.get(job.id) === at);
    const stored = new Set(await this.#store(wanted, nowMs));
    return jobs.map((job, at) => first.get(job.id) === at && stored.has(job));
  }

  /** Resolves with those that are new. At first it is taken for granted that all are. */
  async #store(wanted: readonly Job[], nowMs: number): Promise<readonly Job[]> {
    const { counts, committer } = this.#parts;
    let conditions: ReadonlyMap<Job, number> = new Map(wanted.map((job) => [job, 0]));
    for (let turn = 0; turn < tries; turn += 1) {
      const jobs = [...conditions.keys()];
      if (jobs.length === 0) return [];
      const changes = jobs.map((job) => change(job, 1));
      counts.reserve(changes);
      try {
        const messages = jobs.flatMap((job) => this.#newJob(job, conditions.get(job) ?? 0, nowMs));
        await committer.commit({ messages, changes, about: jobs.map(({ id }) => id), impatient: true });
        return jobs;
      } catch (error) {
        if (TinderboxError.from(error).code !== 'conflict') throw error;
      } finally {
        counts.release(changes);
      }
      conditions = await this.#unknown(wanted);
    }
    throw new TinderboxError('unavailable', 'calls with the same ids are being stored by others', {
      retryAfterMs: 1000,
    });
  }

  #newJob(job: Job, condition: number, nowMs: number): readonly NatsMessage[] {
    const { writer } = this.#parts;
    const messages = writer.job(recordOfJob(job, noPast), job.body, nowMs, condition);
    const { id, rememberMs, once } = job;
    const known = rememberMs > nowMs ? [writer.known(id, rememberMs, nowMs)] : [];
    const also = once === undefined ? [] : [writer.known(once.id, once.untilMs, nowMs)];
    return [...messages, ...known, ...also];
  }

  /** Those that are neither remembered nor still to be done, with the newest word about each. */
  async #unknown(jobs: readonly Job[]): Promise<ReadonlyMap<Job, number>> {
    const { reader, subjects } = this.#parts;
    const named = jobs.flatMap(({ id, once }) => (once === undefined ? [id] : [id, once.id]));
    const [facts, known] = await Promise.all([reader.facts(jobs), reader.isKnown(named)]);
    const left = jobs.flatMap((job): [Job, number][] => {
      const fact = facts.get(subjects.all(job));
      const isKnown = known.has(job.id) || (job.once !== undefined && known.has(job.once.id));
      return isKnown || fact?.isLive === true ? [] : [[job, fact?.seq ?? 0]];
    });
    return new Map(left);
  }

  async settle(held: Held, settlement: Settlement, nowMs: number): Promise<boolean> {
    for (let turn = 0; turn < tries; turn += 1) {
      try {
        const { messages, changes } = await this.#outcome(held, settlement, nowMs);
        const next = settlement.outcome === 'retry' ? [] : settlement.next.map(({ id }) => id);
        await this.#parts.committer.commit({ messages, changes, about: [held.job.id, ...next], impatient: false });
        return true;
      } catch (error) {
        if (TinderboxError.from(error).code !== 'conflict') throw error;
        if (!(await this.#isNewest(held))) return false;
      }
    }
    throw new TinderboxError('internal', `call ${held.job.id} is being changed by others`);
  }

  async #outcome(held: Held, settlement: Settlement, nowMs: number): Promise<Written> {
    const { job, seq, parts } = held;
    const { writer } = this.#parts;
    const apart = parts === undefined ? {} : { parts };
    const past = pastOf(held, settlement.used);
    if (settlement.outcome === 'retry') {
      const record: JobRecord = { ...recordOfJob(job, past), ...apart, dueMs: settlement.atMs };
      return { messages: writer.job(record, job.body, nowMs, seq), changes: [] };
    }
    const next = await this.#following(settlement.next, nowMs);
    const changes = [change(job, -1), ...next.changes];
    if (settlement.outcome === 'dead') {
      const { reason, record: attempt } = settlement;
      const record = { ...deadRecordOf(job, past, { diedMs: nowMs, reason, attempt }), ...apart };
      return { messages: [...writer.dead(record, job.body, seq), ...next.messages], changes };
    }
    const response = settlement.record?.response ?? new Uint8Array();
    const over = writer.over(overRecord(job, past, 'done', nowMs, settlement.record), job, response, seq);
    return { messages: [over, ...writer.noBody(job.id, parts), ...next.messages], changes };
  }

  /** What follows from a job takes the place it leaves: it is never refused for want of room. */
  async #following(jobs: readonly Job[], nowMs: number): Promise<Written> {
    if (jobs.length === 0) return { messages: [], changes: [] };
    const conditions = [...(await this.#unknown(jobs))];
    const messages = conditions.flatMap(([job, condition]) =>
      this.#parts.writer.job(recordOfJob(job, noPast), job.body, nowMs, condition),
    );
    return { messages, changes: conditions.map(([job]) => change(job, 1)) };
  }

  async #isNewest({ job, seq }: Held): Promise<boolean> {
    const fact = (await this.#parts.reader.facts([job])).get(this.#parts.subjects.all(job));
    return fact?.seq === seq;
  }

  async cancel(id: string): Promise<CallFact | undefined> {
    const { reader, writer, committer, now } = this.#parts;
    for (let turn = 0; turn < tries; turn += 1) {
      const { newest } = await reader.find(id);
      const record = newest === undefined ? undefined : parseJobRecord(newest.message.data)?.record;
      if (newest?.isLive !== true || record === undefined) return undefined;
      const over = overRecord(record, this.#parts.pastOf(id) ?? record, 'canceled', now());
      const messages = [writer.over(over, newest, new Uint8Array(), newest.seq), ...writer.noBody(id, record.parts)];
      const { lane, priority, bytes } = record;
      const changes = [{ lane, priority, jobs: -1, bytes: -bytes }];
      try {
        await committer.commit({ messages, changes, about: [id], impatient: true });
        return newest;
      } catch (error) {
        if (TinderboxError.from(error).code !== 'conflict') throw error;
      }
    }
    throw new TinderboxError('unavailable', `call ${id} is being changed by others`, { retryAfterMs: 1000 });
  }
}

function change({ lane, priority, body, laneJobs }: LeasedJob | Job, sign: 1 | -1): LaneChange {
  return { lane, priority, jobs: sign, bytes: sign * body.byteLength, laneJobs };
}

/** With the attempt that has ended. */
function pastOf({ job, past, startedMs }: Held, used: CallUsage | undefined): Past {
  const billedMs = past.used.billedMs + (used?.billedMs ?? 0);
  return {
    attempts: job.attempt,
    startedMs,
    used: { billedMs, gbSeconds: past.used.gbSeconds + (used?.gbSeconds ?? 0) },
  };
}

function overRecord(
  { id, lane, createdMs }: Pick<Job, 'id' | 'lane' | 'createdMs'>,
  { attempts, startedMs, used }: Past,
  state: 'done' | 'canceled',
  finishedMs: number,
  attempt?: FinishedAttempt,
): OverRecord {
  const record = { id, lane, state, createdMs, finishedMs, attempts, startedMs, used };
  if (attempt === undefined) return record;
  const { status, durationMs, truncated } = attempt;
  return { ...record, last: { status, durationMs, truncated } };
}
