import type { InvocationState } from '../../model/invocation-status.ts';
import type { CallUsage, CallView, DeadLetter, FinishedAttempt, Job, JobPayload, LeasedJob } from '../job.ts';

/** Parts of a body that stand in messages of their own. */
export interface Parts {
  readonly nonce: string;
  readonly count: number;
}

/** What is known of the attempts that ended. */
export interface Past {
  readonly attempts: number;
  /** When the last one began; 0: none has. */
  readonly startedMs: number;
  readonly used: CallUsage;
}

export const noPast: Past = { attempts: 0, startedMs: 0, used: { billedMs: 0, gbSeconds: 0 } };

/** What a message about a call holds beside bytes. Times are Unix time in milliseconds. */
export interface JobRecord extends Past {
  readonly id: string;
  readonly lane: string;
  readonly priority: number;
  readonly dueMs: number;
  readonly createdMs: number;
  readonly rememberMs: number;
  readonly payload: JobPayload;
  readonly bytes: number;
  readonly parts?: Parts;
}

export interface DeadRecord extends JobRecord {
  readonly diedMs: number;
  readonly reason: string;
  readonly last?: Omit<FinishedAttempt, 'response'>;
  /** The beginning of the last answer, base64: the body stands elsewhere. */
  readonly response?: string;
}

export interface OverRecord extends Past {
  readonly id: string;
  readonly lane: string;
  readonly state: 'done' | 'canceled';
  readonly createdMs: number;
  readonly finishedMs: number;
  readonly last?: Omit<FinishedAttempt, 'response'>;
}

const headBytes = 4;

/** A record and the bytes that come with it, as one message: length of the JSON, JSON, bytes. */
export function formatRecord(record: JobRecord | DeadRecord | OverRecord, body: Uint8Array): Uint8Array {
  const text = Buffer.from(JSON.stringify(record));
  const message = Buffer.allocUnsafe(headBytes + text.length + body.byteLength);
  message.writeUInt32BE(text.length);
  text.copy(message, headBytes);
  message.set(body, headBytes + text.length);
  return message;
}

/** A record and its bytes; undefined: a message that only marks that something is gone. */
type Parsed<R> = { readonly record: R; readonly body: Uint8Array } | undefined;

export function parseJobRecord(message: Uint8Array): Parsed<JobRecord> {
  return parseRecord(message) as Parsed<JobRecord>;
}

export function parseDeadRecord(message: Uint8Array): Parsed<DeadRecord> {
  return parseRecord(message) as Parsed<DeadRecord>;
}

export function parseOverRecord(message: Uint8Array): Parsed<OverRecord> {
  return parseRecord(message) as Parsed<OverRecord>;
}

function parseRecord(message: Uint8Array): Parsed<unknown> {
  if (message.byteLength <= headBytes) return undefined;
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const end = headBytes + bytes.readUInt32BE();
  return { record: JSON.parse(bytes.toString('utf8', headBytes, end)), body: bytes.subarray(end) };
}

export function recordOfJob(job: Job, past: Past): JobRecord {
  const { id, lane, priority, dueMs, createdMs, rememberMs, payload } = job;
  return { id, lane, priority, dueMs, createdMs, rememberMs, payload, ...past, bytes: job.body.byteLength };
}

export function jobFromRecord(record: JobRecord, body: Uint8Array): Job {
  const { id, lane, priority, dueMs, createdMs, rememberMs, payload } = record;
  return { id, lane, priority, dueMs, createdMs, rememberMs, payload, body };
}

export function deadRecordOf(
  job: LeasedJob,
  past: Past,
  {
    diedMs,
    reason,
    attempt,
  }: { readonly diedMs: number; readonly reason: string; readonly attempt?: FinishedAttempt | undefined },
): DeadRecord {
  const record = { ...recordOfJob(job, past), diedMs, reason };
  if (attempt === undefined) return record;
  const { response, ...last } = attempt;
  return { ...record, last, response: Buffer.from(response).toString('base64') };
}

export function letterFromRecord(record: DeadRecord, body: Uint8Array): DeadLetter {
  const { id, lane, priority, dueMs, createdMs, payload, attempts, diedMs, reason } = record;
  return { id, lane, priority, dueMs, createdMs, payload, attempt: attempts, diedMs, reason, body };
}

export function viewOfOver(record: OverRecord, response: Uint8Array): CallView {
  const { last, startedMs, ...view } = record;
  return { ...view, ...begun(startedMs), ...(last === undefined ? {} : { last: { ...last, response } }) };
}

export function viewOfDead(record: DeadRecord): CallView {
  const { id, lane, createdMs, diedMs, attempts, used, reason, startedMs, last, response = '' } = record;
  const view: CallView = {
    id,
    lane,
    state: 'dead',
    createdMs,
    finishedMs: diedMs,
    attempts,
    used,
    reason,
    ...begun(startedMs),
  };
  return last === undefined ? view : { ...view, last: { ...last, response: Buffer.from(response, 'base64') } };
}

/** An attempt under way. */
export interface Running {
  readonly attempt: number;
  readonly startedMs: number;
}

export function viewOfLive(record: JobRecord, running: Running | undefined, nowMs: number): CallView {
  const { id, lane, createdMs, dueMs, used } = record;
  const waits: InvocationState = dueMs > nowMs ? 'delayed' : 'queued';
  const state = running === undefined ? waits : 'running';
  const attempts = running?.attempt ?? record.attempts;
  return { id, lane, state, createdMs, dueMs, attempts, used, ...begun(running?.startedMs ?? record.startedMs) };
}

function begun(startedMs: number): { startedMs?: number } {
  return startedMs === 0 ? {} : { startedMs };
}
