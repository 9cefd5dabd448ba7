import { TinderboxError } from '../../model/errors.ts';
import type { StoredMessage } from './link.ts';
import type { JobRecord } from './records.ts';
import type { QueueStream } from './stream.ts';
import { livePlaces, type Owner, type Place, type Spot, type Subjects } from './subjects.ts';

/** The newest word about a call. */
export interface CallFact extends Spot {
  readonly seq: number;
  readonly message: StoredMessage;
  /** Whether it is still to be done. */
  readonly isLive: boolean;
}

/** What the stream says of calls. */
export interface CallReader {
  /** By `subjects.all`; of those nothing is said about, nothing. */
  facts(owners: readonly Owner[]): Promise<ReadonlyMap<string, CallFact>>;
  /** Of an id, whatever its lane: the newest word, and those at each place. */
  find(id: string): Promise<{ readonly newest: CallFact | undefined; readonly at: ReadonlyMap<Place, CallFact> }>;
  isKnown(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** The body of a call, from beside its record or from its parts. Rejects with `internal` when a part is missing. */
  body(record: JobRecord, beside: Uint8Array): Promise<Uint8Array>;
}

export function createCallReader(stream: QueueStream, subjects: Subjects): CallReader {
  const factsOf = (messages: readonly StoredMessage[]): CallFact[] =>
    messages.flatMap((message) => {
      const spot = subjects.spotOf(message.subject);
      if (spot === undefined) return [];
      return [{ ...spot, seq: message.seq, message, isLive: livePlaces.has(spot.place) }];
    });
  return {
    async facts(owners) {
      const newest = new Map<string, CallFact>();
      for (const fact of factsOf(await stream.last(owners.map((owner) => subjects.all(owner))))) {
        const key = subjects.all(fact);
        if (fact.seq > (newest.get(key)?.seq ?? 0)) newest.set(key, fact);
      }
      return newest;
    },
    async find(id) {
      const at = new Map<Place, CallFact>();
      let newest: CallFact | undefined;
      for (const fact of factsOf(await stream.last([subjects.allOf(id)]))) {
        if (fact.id !== id) continue;
        if (fact.seq > (at.get(fact.place)?.seq ?? 0)) at.set(fact.place, fact);
        if (fact.seq > (newest?.seq ?? 0)) newest = fact;
      }
      return { newest, at };
    },
    async isKnown(ids) {
      const found = await stream.last(ids.map((id) => subjects.known(id)));
      const there = new Set(found.map(({ subject }) => subject));
      return new Set(ids.filter((id) => there.has(subjects.known(id))));
    },
    async body({ id, parts }, beside) {
      if (parts === undefined) return beside;
      const found = await stream.last([subjects.body(id, parts.nonce, '*')]);
      const pieces = found
        .map(({ subject, data }) => ({ at: Number(subject.slice(subject.lastIndexOf('.') + 1)), data }))
        .sort((a, b) => a.at - b.at);
      if (pieces.length === parts.count) return Buffer.concat(pieces.map(({ data }) => data));
      throw new TinderboxError('internal', `call ${id} has ${pieces.length} of ${parts.count} parts of its body`);
    },
  };
}
