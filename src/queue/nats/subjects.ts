import { createHash } from 'node:crypto';

/** Where a call's message stands; its subject says what has become of it. */
export type Place = 'job' | 'later' | 'told' | 'over' | 'dead';

/** Places of calls that are still to be done. */
export const livePlaces: ReadonlySet<Place> = new Set(['job', 'later', 'told']);

/** Where something stands, read from its subject. */
export interface Spot {
  readonly place: Place;
  readonly lane: string;
  readonly priority: number;
  readonly id: string;
}

/** Whose message it is: everything that is ever said of a call stands under these three. */
export type Owner = Pick<Spot, 'lane' | 'priority' | 'id'>;

/**
 * Subjects of the one stream, by `prefix`:
 *
 *     P.ready.LANE.PRIORITY.ID.new|told             a call that is ready: since it came in, or since it came due
 *     P.later|over|dead.LANE.PRIORITY.ID.new        a call: put off, over, given up
 *     P.ready.LANE.counts.PLATFORM.told             what a platform has added to a lane and taken out of it
 *     P.body.ID.NONCE.N                             parts of a body that does not fit beside its call
 *     P.known.ID                                    an id that is remembered
 *     P.commit.PLATFORM                             how far a platform has written
 *
 * All that happens to a call falls under `P.*.LANE.PRIORITY.ID.*`: the newest message there is the truth about it. What is
 * ready falls under one filter: for a consumer with several, the server looks through all subjects it knows each time.
 */
export interface Subjects {
  readonly prefix: string;
  readonly stream: string;
  at(place: Place, owner: Owner): string;
  /** All about one call. */
  all(owner: Owner): string;
  /** All about calls of an id, whatever their lane. */
  allOf(id: string): string;
  /** Calls at a place, of one lane or all. */
  placeOf(place: Place, lane?: string): string;
  /** What consumers of a lane take: what is ready and what came due. */
  ready(lane: string, priority: number): string;
  body(id: string, nonce: string, part: number | '*'): string;
  known(id: string): string;
  commit(platform: string): string;
  counts(lane: string, platform: string): string;
  readonly allCounts: string;
  /** What the stream says aloud: calls that came due, and counts. */
  readonly spoken: string;
  /** The same, as platforms hear it once it is stored. */
  readonly heard: string;
  consumer(lane: string, priority: number): string;
  /** Words between platforms that are not kept. */
  word(what: 'running' | 'canceled' | 'here'): string;
  spotOf(subject: string): Spot | undefined;
}

export function createSubjects(name: string): Subjects {
  const prefix = `${name}.queue`;
  const of = ({ lane, priority, id }: Owner): string => `${token(lane)}.${priority}.${token(id)}`;
  return {
    prefix,
    stream: `${name}_queue`,
    at: (place, owner) => `${prefix}.${head(place)}.${of(owner)}.${tail(place)}`,
    all: (owner) => `${prefix}.*.${of(owner)}.*`,
    allOf: (id) => `${prefix}.*.*.*.${token(id)}.*`,
    placeOf: (place, lane) => `${prefix}.${head(place)}.${lane === undefined ? '*' : token(lane)}.*.*.${tail(place)}`,
    ready: (lane, priority) => `${prefix}.ready.${token(lane)}.${priority}.*.*`,
    body: (id, nonce, part) => `${prefix}.body.${token(id)}.${nonce}.${part}`,
    known: (id) => `${prefix}.known.${token(id)}`,
    commit: (platform) => `${prefix}.commit.${token(platform)}`,
    counts: (lane, platform) => `${prefix}.ready.${token(lane)}.counts.${token(platform)}.told`,
    allCounts: `${prefix}.ready.*.counts.*.told`,
    spoken: `${prefix}.ready.*.*.*.told`,
    heard: `${name}.heard`,
    consumer: (lane, priority) => `lane_${createHash('sha256').update(lane).digest('hex').slice(0, 24)}_${priority}`,
    word: (what) => `${name}.word.${what}`,
    spotOf: (subject) => parseSpot(subject.slice(prefix.length + 1)),
  };
}

function parseSpot(rest: string): Spot | undefined {
  const [first = '', lane = '', priority = '', id, last, more] = rest.split('.');
  if (id === undefined || last === undefined || more !== undefined || !/^-?\d$/.test(priority)) return undefined;
  const place = first === 'ready' ? (last === 'told' ? 'told' : 'job') : first;
  if (!isPlace(place)) return undefined;
  return { place, lane: untoken(lane), priority: Number(priority), id: untoken(id) };
}

const head = (place: Place): string => (place === 'job' || place === 'told' ? 'ready' : place);
const tail = (place: Place): string => (place === 'told' ? 'told' : 'new');

function isPlace(text: string): text is Place {
  return text === 'job' || text === 'later' || text === 'told' || text === 'over' || text === 'dead';
}

/** Dots, wildcards and blanks mean something in a subject. */
function token(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replaceAll(/[^A-Za-z0-9_-]/g, (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function untoken(text: string): string {
  return decodeURIComponent(text);
}
