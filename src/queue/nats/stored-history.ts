import { type InvocationState, invocationStates } from '../../model/invocation-status.ts';
import type { CallView } from '../job.ts';
import type { History } from '../queue.ts';
import type { CallReader } from './call-reader.ts';
import type { LeaseDesk } from './lease-desk.ts';
import type { StoredMessage } from './link.ts';
import type { Peers } from './peers.ts';
import {
  parseDeadRecord,
  parseJobRecord,
  parseOverRecord,
  type Running,
  viewOfDead,
  viewOfLive,
  viewOfOver,
} from './records.ts';
import type { QueueStream } from './stream.ts';
import type { Place, Subjects } from './subjects.ts';

export interface HistoryParts {
  readonly stream: QueueStream;
  readonly subjects: Subjects;
  readonly reader: CallReader;
  readonly desk: Pick<LeaseDesk, 'running'>;
  readonly peers: Pick<Peers, 'running'>;
  readonly now: () => number;
}

/** All calls the stream holds, in one shape. */
export function createStoredHistory(parts: HistoryParts): History {
  const running = async (ids: readonly string[]): Promise<(id: string) => Running | undefined> => {
    const elsewhere = await parts.peers.running(ids.filter((id) => parts.desk.running(id) === undefined));
    return (id) => parts.desk.running(id) ?? elsewhere.get(id);
  };
  return {
    async get(id) {
      const { newest } = await parts.reader.find(id);
      if (newest === undefined) return undefined;
      const [view] = viewsOf(newest.place, newest.message, newest.isLive ? await running([id]) : none, parts.now());
      return view;
    },
    async list({ lane, states = invocationStates, limit }) {
      const places = placesOf(states);
      const found = await Promise.all(
        places.map(async (place) => {
          const filter = parts.subjects.placeOf(place, lane);
          return { place, messages: await parts.stream.newest(filter, limit, ({ data }) => data.length > 0) };
        }),
      );
      const waiting = found.filter(({ place }) => place !== 'over' && place !== 'dead');
      const ids = waiting.flatMap(({ messages }) =>
        messages.map((message) => parts.subjects.spotOf(message.subject)?.id ?? ''),
      );
      const under = ids.length === 0 ? none : await running(ids);
      const nowMs = parts.now();
      return found
        .flatMap(({ place, messages }) => messages.flatMap((message) => viewsOf(place, message, under, nowMs)))
        .filter(({ state }) => states.includes(state))
        .map(withoutResponse)
        .sort((a, b) => b.createdMs - a.createdMs)
        .slice(0, limit);
    },
  };
}

function none(): undefined {
  return undefined;
}

function placesOf(states: readonly InvocationState[]): readonly Place[] {
  const some = (...wanted: InvocationState[]): boolean => wanted.some((state) => states.includes(state));
  return [
    ...(some('queued', 'running') ? (['job', 'told'] as const) : []),
    ...(some('delayed', 'running') ? (['later'] as const) : []),
    ...(some('dead') ? (['dead'] as const) : []),
    ...(some('done', 'canceled') ? (['over'] as const) : []),
  ];
}

function viewsOf(
  place: Place,
  { data }: StoredMessage,
  running: (id: string) => Running | undefined,
  nowMs: number,
): CallView[] {
  if (place === 'over') {
    const parsed = parseOverRecord(data);
    return parsed === undefined ? [] : [viewOfOver(parsed.record, parsed.body)];
  }
  if (place === 'dead') {
    const parsed = parseDeadRecord(data);
    return parsed === undefined ? [] : [viewOfDead(parsed.record)];
  }
  const parsed = parseJobRecord(data);
  return parsed === undefined ? [] : [viewOfLive(parsed.record, running(parsed.record.id), nowMs)];
}

function withoutResponse(view: CallView): CallView {
  return view.last === undefined ? view : { ...view, last: { ...view.last, response: new Uint8Array() } };
}
