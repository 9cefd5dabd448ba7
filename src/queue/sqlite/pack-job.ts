import type { FinishedAttempt, Job, JobPayload, LeasedJob } from '../job.ts';
import type { Settlement } from '../queue.ts';
import type { Packed, PackedSettlement } from './messages.ts';

/** A job as the thread stores it. */
export function packJob(job: Job): Packed<Job> {
  return { ...job, payload: JSON.stringify(job.payload), body: alone(job.body) };
}

/** The inverse, for a job that was leased. */
export function unpackJob(job: Packed<LeasedJob>): LeasedJob {
  return { ...job, payload: JSON.parse(job.payload) as JobPayload };
}

export function packSettlement(settlement: Settlement): PackedSettlement {
  if (settlement.outcome === 'retry') return settlement;
  const { record, next } = settlement;
  const packed = { ...settlement, next: next.map(packJob) };
  return record === undefined ? packed : { ...packed, record: packRecord(record) };
}

function packRecord(record: FinishedAttempt): FinishedAttempt {
  return { ...record, response: alone(record.response) };
}

/** A view is cloned with all of the memory it looks at: with the whole chunk of a socket, for example. */
function alone(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.prototype.slice.call(bytes);
}
