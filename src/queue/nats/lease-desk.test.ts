import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TinderboxError } from '../../model/errors.ts';
import { testJob } from '../conformance.ts';
import { createLeaseDesk, type LeaseDeskParts } from './lease-desk.ts';
import type { Delivery } from './lane-consumers.ts';
import { formatRecord, noPast, recordOfJob } from './records.ts';
import { createSubjects } from './subjects.ts';

test('what was handed out before the connection broke is leased all the same', async () => {
  const subjects = createSubjects('test');
  const job = testJob('a');
  const delivery: Delivery = {
    subject: subjects.at('job', job),
    data: formatRecord(recordOfJob(job, noPast), job.body),
    seq: 1,
    times: 1,
    reply: 'reply',
  };
  const taken: (readonly Delivery[])[] = [[delivery]];
  const parts = {
    subjects,
    leaseMs: 30_000,
    now: Date.now,
    tell: () => undefined,
    counts: { priorities: () => [1, 0] },
    link: { isUp: () => false },
    reader: {
      facts: () => Promise.resolve(new Map()),
      body: (_: unknown, beside: Uint8Array) => Promise.resolve(beside),
    },
    consumers: {
      take() {
        const some = taken.shift();
        return some === undefined ? Promise.reject(new TinderboxError('unavailable', 'lost')) : Promise.resolve(some);
      },
    },
  } as unknown as LeaseDeskParts;
  const desk = createLeaseDesk(parts);
  const leased = await desk.lease('a.ns', 5);
  assert.deepEqual(
    leased.map(({ id }) => id),
    ['a'],
  );
  await assert.rejects(desk.lease('a.ns', 5), { code: 'unavailable' });
  await desk.close();
});
