import { randomBytes } from 'node:crypto';
import { TinderboxError } from '../../model/errors.ts';
import type { QueueLimits } from '../queue.ts';
import type { NatsMessage } from './link.ts';
import { formatRecord, type DeadRecord, type JobRecord, type OverRecord, type Parts } from './records.ts';
import type { Owner, Subjects } from './subjects.ts';

/** Makes the messages a call consists of. None of them is stored until a decision is committed. */
export interface CallWriter {
  /** A call that is ready or put off, with its body. */
  job(record: JobRecord, body: Uint8Array, nowMs: number, condition?: number): readonly NatsMessage[];
  over(record: OverRecord, owner: Owner, response: Uint8Array, condition: number): NatsMessage;
  /** A dead letter; its body is written anew beside it, so that both go together, and letters are listed without bodies. */
  dead(record: DeadRecord, body: Uint8Array, condition: number): readonly NatsMessage[];
  /** In place of a dead letter that is gone. */
  noLetter(owner: Owner, condition: number): NatsMessage;
  /** In place of a body nobody needs any more. */
  noBody(id: string, parts: Parts | undefined): readonly NatsMessage[];
  /** An id that is not taken again until then. */
  known(id: string, untilMs: number, nowMs: number): NatsMessage;
}

/** Larger bodies are written once and not with every attempt. */
const mostBesideBytes = 64 * 1024;
/** Room for what stands around a body in a message: headers of the call, of the queue, of NATS. */
const headroomBytes = 8 * 1024;
const soon = { 'Nats-TTL': '1s' };

/** How long what is over is kept, in ms. */
export type Retention = Pick<QueueLimits, 'historyMs' | 'deadLettersMs'>;

/** `maxPayload`: what the server takes in one message, in bytes. */
export function createCallWriter(subjects: Subjects, maxPayload: number, keep: Retention): CallWriter {
  const partBytes = Math.max(1024, Math.min(maxPayload - headroomBytes, 512 * 1024));
  const besideBytes = Math.min(mostBesideBytes, Math.floor(partBytes / 2));
  const assertFits = (record: JobRecord, message: Uint8Array): Uint8Array => {
    if (message.byteLength + headroomBytes / 2 <= maxPayload) return message;
    const text = `call ${record.id} has ${message.byteLength} bytes beside its body, NATS takes ${maxPayload} in a message`;
    throw new TinderboxError('too-large', text, { hint: 'fewer or shorter headers, or a larger max_payload' });
  };
  const split = (id: string, body: Uint8Array, ttl = {}): { parts: Parts; messages: readonly NatsMessage[] } => {
    const parts = { nonce: randomBytes(9).toString('base64url'), count: Math.ceil(body.byteLength / partBytes) };
    const messages = Array.from({ length: parts.count }, (_, at) => ({
      subject: subjects.body(id, parts.nonce, at),
      data: body.subarray(at * partBytes, (at + 1) * partBytes),
      headers: ttl,
    }));
    return { parts, messages };
  };
  return {
    job(record, body, nowMs, condition) {
      const apart = record.parts === undefined && body.byteLength > besideBytes ? split(record.id, body) : undefined;
      const whole = apart === undefined ? record : { ...record, parts: apart.parts };
      const data = assertFits(record, formatRecord(whole, whole.parts === undefined ? body : new Uint8Array()));
      const headers = { ...when(subjects, record, nowMs), ...onlyIf(subjects, record, condition) };
      const subject = subjects.at(record.dueMs > nowMs ? 'later' : 'job', record);
      return [{ subject, data, headers }, ...(apart?.messages ?? [])];
    },
    over: (record, owner, response, condition) => ({
      subject: subjects.at('over', owner),
      data: formatRecord(record, response),
      headers: { ...onlyIf(subjects, owner, condition), ...expiry(keep.historyMs) },
    }),
    dead(record, body, condition) {
      const ttl = expiry(keep.deadLettersMs);
      const { parts: old, ...rest } = record;
      const apart = body.byteLength > 0 ? split(record.id, body, ttl) : undefined;
      const whole = apart === undefined ? rest : { ...rest, parts: apart.parts };
      const data = assertFits(whole, formatRecord(whole, new Uint8Array()));
      const headers = { ...onlyIf(subjects, record, condition), ...ttl };
      const letter = { subject: subjects.at('dead', record), data, headers };
      return [letter, ...(apart?.messages ?? []), ...this.noBody(record.id, old)];
    },
    noLetter: (owner, condition) => ({
      subject: subjects.at('dead', owner),
      data: new Uint8Array(),
      headers: { ...onlyIf(subjects, owner, condition), ...soon },
    }),
    noBody: (id, parts) =>
      Array.from({ length: parts?.count ?? 0 }, (_, at) => ({
        subject: subjects.body(id, parts?.nonce ?? '', at),
        data: new Uint8Array(),
        headers: soon,
      })),
    known: (id, untilMs, nowMs) => ({
      subject: subjects.known(id),
      data: new Uint8Array(),
      headers: { 'Nats-Expected-Last-Subject-Sequence': '0', ...expiry(untilMs - nowMs) },
    }),
  };
}

/** The server removes it then; it counts in whole seconds. */
function expiry(inMs: number): Readonly<Record<string, string>> {
  return { 'Nats-TTL': `${Math.max(1, Math.ceil(inMs / 1000))}s` };
}

/** The server itself moves a call that is put off to where it is taken from. */
function when(subjects: Subjects, record: JobRecord, nowMs: number): Readonly<Record<string, string>> {
  if (record.dueMs <= nowMs) return {};
  return {
    'Nats-Schedule': `@at ${new Date(record.dueMs).toISOString()}`,
    'Nats-Schedule-Target': subjects.at('told', record),
  };
}

/** Only if the newest word about the call is still the one that was read; 0: none. */
function onlyIf(subjects: Subjects, owner: Owner, condition: number | undefined): Readonly<Record<string, string>> {
  if (condition === undefined) return {};
  return {
    'Nats-Expected-Last-Subject-Sequence': String(condition),
    'Nats-Expected-Last-Subject-Sequence-Subject': subjects.all(owner),
  };
}
