/**
 * How much every lane holds, without anybody counting messages.
 *
 * Each platform keeps what it has added to a lane and taken out of it, in one record that it alone writes, in the batch
 * that adds or takes. A lane holds the sum over all platforms. Nobody has to wait for anybody.
 */
import { TinderboxError } from '../../model/errors.ts';
import type { LaneDepth, QueueLimits } from '../queue.ts';
import type { NatsMessage } from './link.ts';
import type { Subjects } from './subjects.ts';

export interface LaneChange {
  readonly lane: string;
  readonly priority: number;
  readonly jobs: number;
  readonly bytes: number;
  /** Jobs the lane may hold, where it is fewer than the queue allows. */
  readonly laneJobs?: number | undefined;
}

/** The header that holds a count, so that it is heard without the message. */
export const countHeader = 'Tinderbox-Count';

interface CountRecord {
  readonly lane: string;
  readonly platform: string;
  readonly jobs: number;
  readonly bytes: number;
  /** Priorities that have been seen. */
  readonly priorities: readonly number[];
}

interface Sum {
  jobs: number;
  bytes: number;
}

interface Lane {
  readonly name: string;
  /** Of other platforms, by platform. */
  readonly others: Map<string, Sum>;
  readonly own: Sum;
  /** Asked for, not stored yet. */
  readonly reserved: Sum;
  readonly priorities: Set<number>;
}

export class LaneCounts {
  readonly #lanes = new Map<string, Lane>();
  readonly #subjects: Subjects;
  readonly #platform: string;
  readonly #limits: QueueLimits;

  constructor(subjects: Subjects, platform: string, limits: QueueLimits) {
    this.#subjects = subjects;
    this.#platform = platform;
    this.#limits = limits;
  }

  /** Takes in a record; returns its lane when another platform has added to it. `isOwn`: ours, from before a restart. */
  hear(text: string, isOwn: boolean): string | undefined {
    const record = JSON.parse(text) as CountRecord;
    if ((record.platform === this.#platform) !== isOwn) return undefined;
    const lane = this.#lane(record.lane);
    for (const priority of record.priorities) lane.priorities.add(priority);
    const sum = { jobs: record.jobs, bytes: record.bytes };
    if (isOwn) {
      Object.assign(lane.own, sum);
      return undefined;
    }
    const before = lane.others.get(record.platform)?.jobs ?? 0;
    if (sum.jobs === 0 && sum.bytes === 0) lane.others.delete(record.platform);
    else lane.others.set(record.platform, sum);
    this.#tidy(lane);
    return record.jobs > before ? record.lane : undefined;
  }

  /** Takes in all records there are, in case some were not heard; returns the lanes others have added to. */
  refresh(records: readonly string[]): readonly string[] {
    const there = new Set(
      records.map((text) => {
        const { lane, platform } = JSON.parse(text) as CountRecord;
        return `${platform} ${lane}`;
      }),
    );
    for (const lane of this.#lanes.values()) {
      for (const platform of lane.others.keys())
        if (!there.has(`${platform} ${lane.name}`)) lane.others.delete(platform);
      this.#tidy(lane);
    }
    return records.map((text) => this.hear(text, false)).filter((lane) => lane !== undefined);
  }

  /** Priorities of a lane that were seen, the highest first. */
  priorities(lane: string): readonly number[] {
    return [...(this.#lanes.get(lane)?.priorities ?? [])].sort((a, b) => b - a);
  }

  /** Holds room for what is to be stored. Throws `queue-full`; then nothing is held. */
  reserve(changes: readonly LaneChange[]): void {
    const held: LaneChange[] = [];
    try {
      for (const change of changes) {
        this.#assertRoom(change);
        add(this.#lane(change.lane).reserved, change, 1);
        held.push(change);
      }
    } catch (error) {
      this.release(held);
      throw error;
    }
  }

  release(changes: readonly LaneChange[]): void {
    for (const change of changes) add(this.#lane(change.lane).reserved, change, -1);
    for (const { lane } of changes) this.#tidy(this.#lane(lane));
  }

  /** What our records say once these changes are stored. */
  messages(changes: readonly LaneChange[]): readonly NatsMessage[] {
    const sums = new Map<string, Sum>();
    for (const change of changes) {
      const { own, priorities } = this.#lane(change.lane);
      priorities.add(change.priority);
      const sum = sums.get(change.lane) ?? { ...own };
      add(sum, change, 1);
      sums.set(change.lane, sum);
    }
    return [...sums].map(([lane, sum]) => this.#message(lane, sum));
  }

  /** They are stored. */
  commit(changes: readonly LaneChange[]): void {
    for (const change of changes) add(this.#lane(change.lane).own, change, 1);
    for (const { lane } of changes) this.#tidy(this.#lane(lane));
  }

  jobsOf(name: string): number {
    const lane = this.#lanes.get(name);
    return lane === undefined ? 0 : total(lane).jobs;
  }

  depth(): readonly LaneDepth[] {
    return [...this.#lanes.values()]
      .map((lane) => ({ lane: lane.name, ...total(lane) }))
      .filter(({ jobs }) => jobs > 0)
      .sort((a, b) => (a.lane < b.lane ? -1 : 1));
  }

  #message(lane: string, { jobs, bytes }: Sum): NatsMessage {
    const priorities = this.priorities(lane);
    const record: CountRecord = { lane, platform: this.#platform, jobs, bytes, priorities };
    // No record says the same as zero; the moment in between is for those who hear of it.
    const expiry = jobs === 0 && bytes === 0 ? { 'Nats-TTL': '10s' } : {};
    const headers = { [countHeader]: headerText(JSON.stringify(record)), ...expiry };
    return { subject: this.#subjects.counts(lane, this.#platform), data: new Uint8Array(), headers };
  }

  #lane(name: string): Lane {
    const none = (): Sum => ({ jobs: 0, bytes: 0 });
    const lane = this.#lanes.get(name) ?? {
      name,
      others: new Map(),
      own: none(),
      reserved: none(),
      priorities: new Set(),
    };
    this.#lanes.set(name, lane);
    return lane;
  }

  /** Lanes come and go: what holds nothing is forgotten. */
  #tidy({ name, own, reserved, others }: Lane): void {
    if (own.jobs === 0 && own.bytes === 0 && reserved.jobs === 0 && others.size === 0) this.#lanes.delete(name);
  }

  #assertRoom({ lane, jobs, bytes, laneJobs: own = Number.POSITIVE_INFINITY }: LaneChange): void {
    const known = this.#lane(lane);
    const { laneJobs, laneBytes } = this.#limits;
    const stored = total(known);
    const [ofJobs, ofBytes] = [stored.jobs + known.reserved.jobs, stored.bytes + known.reserved.bytes];
    const mostJobs = Math.min(laneJobs, own);
    if (ofJobs + jobs > mostJobs) throw laneFull(`${lane} has ${ofJobs} queued calls, the limit is ${mostJobs}`);
    if (ofBytes + bytes > laneBytes) {
      throw laneFull(`${lane} has ${ofBytes} bytes queued, with ${bytes} more the limit of ${laneBytes} is passed`);
    }
  }
}

function total({ own, others }: Lane): Sum {
  const sum = { ...own };
  for (const other of others.values()) add(sum, other, 1);
  return sum;
}

function add(sum: Sum, change: Sum, sign: 1 | -1): void {
  sum.jobs += sign * change.jobs;
  sum.bytes += sign * change.bytes;
}

/** Headers are one line of ASCII. */
function headerText(json: string): string {
  return json.replaceAll(/[^\x20-\x7e]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function laneFull(message: string): TinderboxError {
  return new TinderboxError('queue-full', message, { retryAfterMs: 1000 });
}
