import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { until } from '../../../test/support/until.ts';
import { describeQueue, type QueueUnderTest, testJob, testLimits } from '../conformance.ts';
import type { QueueLimits } from '../queue.ts';
import { type BatchThread, openBatchThread } from '../../store/sqlite/batch-thread.ts';
import { openDatabase } from '../../store/sqlite/open-database.ts';
import { mostPromoted } from './job-table.ts';
import type { Answer, Operation } from './messages.ts';
import { queueMigrations } from './migrations.ts';
import { packJob } from './pack-job.ts';
import { createSqliteQueue } from './sqlite-queue.ts';

async function open(t: TestContext, limits: QueueLimits): Promise<QueueUnderTest> {
  const file = join(tempDir(t), 'queue.db');
  let current = await createSqliteQueue({ file, limits });
  t.after(() => current.close());
  return {
    queue: current,
    async reopen() {
      await current.close();
      current = await createSqliteQueue({ file, limits });
      return current;
    },
  };
}

describeQueue('the SQLite queue', open);

test('the file is private and locked, and a queue that is closed says so', async (t) => {
  const limits = { ...testLimits, laneJobs: 10, laneBytes: 100, deadLetters: 1, history: 10 };
  const file = join(tempDir(t), 'queue.db');
  const queue = await createSqliteQueue({ file, limits });
  t.after(() => queue.close());
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await assert.rejects(createSqliteQueue({ file, limits }), { code: 'conflict' });
  const accepted = queue.append([testJob('last')]);
  await queue.close();
  assert.deepEqual(await accepted, [true], 'what was accepted is finished');
  await assert.rejects(queue.append([testJob('late')]), { code: 'unavailable' });
});

test('a clock that is set back does not hold delayed jobs up for longer than they were delayed', async (t) => {
  let nowMs = 1_000_000;
  const limits = { ...testLimits, laneJobs: 10, laneBytes: 100, deadLetters: 1, history: 10 };
  const queue = await createSqliteQueue({ file: join(tempDir(t), 'queue.db'), limits, now: () => nowMs });
  t.after(() => queue.close());
  const heard = Promise.withResolvers<void>();
  queue.watch(() => heard.resolve());
  await queue.append([testJob('a', { dueMs: nowMs + 3_600_000 })]);
  nowMs += 3_600_000;
  await heard.promise;
  assert.equal((await queue.lease('a.ns', 1)).length, 1);
});

test('room that a backlog took is given back to the disk, also while calls come and go', async (t) => {
  const mebibyte = 2 ** 20;
  const limits = {
    ...testLimits,
    laneJobs: 1000,
    laneBytes: 100 * mebibyte,
    deadLetters: 1,
    history: 10,
    historyMs: 40,
  };
  const file = join(tempDir(t), 'queue.db');
  const queue = await createSqliteQueue({ file, limits });
  t.after(() => queue.close());
  const body = Buffer.alloc(mebibyte, 'x');
  await queue.append(Array.from({ length: 80 }, (_, i) => testJob(`large-${i}`, { body })));
  const drain = async (): Promise<void> => {
    for (const job of await queue.lease('a.ns', 100)) await queue.settle(job, { outcome: 'done', next: [] });
  };
  await drain();
  assert.ok(statSync(file).size > 60 * mebibyte);
  const isShort = async (): Promise<boolean> => {
    await queue.append([testJob(`small-${performance.now()}`)]);
    await drain();
    return statSync(file).size < 40 * mebibyte;
  };
  await until('the file is short', isShort, 60_000);
});

test('calls an earlier version stored are told of and run', async (t) => {
  const file = join(tempDir(t), 'queue.db');
  const old = openDatabase(file, queueMigrations.slice(0, 2));
  const payload = JSON.stringify(testJob('old').payload);
  old.exec(`
    INSERT INTO jobs (seq, id, lane, priority, state, due, attempt, bytes) VALUES (1, 'old', 'a.ns', 0, 2, 5, 1, 0);
    INSERT INTO contents VALUES (1, 4, 0, '${payload}', x'');
    INSERT INTO lanes VALUES ('a.ns', 1, 0);
    INSERT INTO dead VALUES ('dead', 'a.ns', 9, 'it failed', 3, 0, 5, 4, '${payload}', x'');
  `);
  old.close();
  const queue = await createSqliteQueue({ file, limits: { ...testLimits, deadLettersMs: Number.MAX_SAFE_INTEGER } });
  t.after(() => queue.close());
  const dead = await queue.history.get('dead');
  assert.deepEqual([dead?.reason, dead?.last, dead?.startedMs], ['it failed', undefined, undefined]);
  const [job] = await queue.lease('a.ns', 1);
  assert.deepEqual([job?.id, job?.attempt], ['old', 2]);
});

async function openThread(t: TestContext): Promise<BatchThread<Operation, Answer>> {
  const thread = await openBatchThread<Operation, Answer>({
    module: new URL('./worker.ts', import.meta.url),
    file: join(tempDir(t), 'queue.db'),
    name: 'queue',
    limits: {},
  });
  t.after(() => thread.close());
  await thread.ask({ kind: 'configure', limits: testLimits });
  return thread;
}

test('ids whose time is over are forgotten though no call was ever put off', async (t) => {
  const thread = await openThread(t);
  await thread.ask({ kind: 'append', jobs: [packJob(testJob('a', { rememberMs: 1000 }))], nowMs: 1 });
  await thread.ask({ kind: 'lease', lane: 'a.ns', most: 1, nowMs: 1 });
  const settlement = { outcome: 'done', next: [] } as const;
  await thread.ask({ kind: 'settle', id: 'a', attempt: 1, settlement, nowMs: 2 });
  assert.equal((await thread.ask({ kind: 'expire', nowMs: 999 })).count, 0);
  assert.equal((await thread.ask({ kind: 'expire', nowMs: 1000 })).count, 1);
});

test('many jobs that are due at once are made ready in parts, and all of them', async (t) => {
  const thread = await openThread(t);
  const count = mostPromoted + 2;
  await thread.ask({ kind: 'configure', limits: { ...testLimits, laneJobs: count, laneBytes: count } });
  const body = new Uint8Array();
  const jobs = Array.from({ length: count }, (_, i) => packJob(testJob(`j${i}`, { dueMs: 10, body })));
  await thread.ask({ kind: 'append', jobs, nowMs: 1 });
  const first = await thread.ask({ kind: 'promote', nowMs: 10 });
  assert.deepEqual([first.ready, first.nextDueMs], [['a.ns'], 10], 'the rest is due still');
  const leased = async (): Promise<number> =>
    (await thread.ask({ kind: 'lease', lane: 'a.ns', most: count, nowMs: 10 })).leased?.length ?? 0;
  assert.equal(await leased(), mostPromoted);
  const second = await thread.ask({ kind: 'promote', nowMs: 10 });
  assert.deepEqual([second.ready, second.nextDueMs], [['a.ns'], undefined]);
  assert.equal(await leased(), 2);
});

test('the connection that acknowledges jobs keeps them when the machine loses its power', async (t) => {
  const thread = await openThread(t);
  const append = { kind: 'append', jobs: [packJob(testJob('a'))], nowMs: 1 } as const;
  const [{ stored }, { pragmas }] = await Promise.all([thread.ask(append), thread.ask({ kind: 'pragmas' })]);
  assert.deepEqual(stored, [true]);
  // 2 is FULL: the log is synced before a commit returns (https://www.sqlite.org/pragma.html#pragma_synchronous).
  assert.deepEqual(pragmas, { journal_mode: 'wal', synchronous: 2, fullfsync: 1, locking_mode: 'exclusive' });
});
