import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { until } from '../../test/support/until.ts';
import type { CallView, Job, LeasedJob } from './job.ts';
import type { JobQueue, QueueLimits } from './queue.ts';

/** A queue under test that can be opened again over what it kept, as after a crash or a stop. */
export interface QueueUnderTest {
  readonly queue: JobQueue;
  /** Closes it, and opens what it kept anew. */
  reopen(): Promise<JobQueue>;
}

export const testLimits: QueueLimits = {
  laneJobs: 100,
  laneBytes: 10_000,
  deadLetters: 3,
  deadLettersMs: 3_600_000,
  history: 10,
  historyMs: 3_600_000,
};

export function testJob(id: string, part: Partial<Job> = {}): Job {
  return {
    id,
    lane: 'a.ns',
    priority: 0,
    dueMs: 0,
    createdMs: 1,
    rememberMs: 0,
    payload: { kind: 'call', function: 'a.ns', method: 'POST', target: '/x', headers: ['A', 'b'] },
    body: Buffer.from(`body of ${id}`),
    ...part,
  };
}

/** What every backbone of the queue must do. `open` makes an empty one with the given limits. */
export function describeQueue(
  name: string,
  open: (t: TestContext, limits: QueueLimits) => Promise<QueueUnderTest>,
): void {
  const start = async (t: TestContext): Promise<JobQueue> => (await open(t, testLimits)).queue;
  describe(`${name} keeps jobs`, () => {
    keepsJobs(start);
    survives((t) => open(t, testLimits));
  });
  describe(`${name} gives them out`, () => leases(start));
  describe(`${name} ends them`, () => settles(start));
  describe(`${name} keeps dead letters`, () => deadLetters(start));
  describe(`${name} remembers calls`, () => {
    remembers(start);
    forgets((t, part) => open(t, { ...testLimits, ...part }));
  });
}

type Start = (t: TestContext) => Promise<JobQueue>;

const ballast = (count: number): Job[] =>
  Array.from({ length: count }, (_, i) => testJob(`j${i}`, { body: Buffer.alloc(1) }));

const ids = (jobs: readonly { readonly id: string }[]): string[] => jobs.map(({ id }) => id);

async function leaseOne(queue: JobQueue, lane = 'a.ns'): Promise<LeasedJob> {
  const [job] = await queue.lease(lane, 1);
  assert.ok(job !== undefined, `lane ${lane} has a job to lease`);
  return job;
}

function keepsJobs(start: Start): void {
  test('a job comes back as it was appended', async (t) => {
    const queue = await start(t);
    const job = testJob('one', { body: Buffer.from([0, 255, 10]), priority: 3 });
    assert.deepEqual(await queue.append([job]), [true]);
    const leased = await leaseOne(queue);
    assert.deepEqual({ ...leased, body: Buffer.from(leased.body) }, { ...job, attempt: 1 });
  });

  test('the same id makes no second job, and is known as long as it is to be remembered', async (t) => {
    const queue = await start(t);
    const remembered = testJob('r', { rememberMs: Date.now() + 60_000 });
    assert.deepEqual(await queue.append([testJob('f'), testJob('f'), remembered]), [true, false, true]);
    for (const job of await queue.lease('a.ns', 10)) await queue.settle(job, { outcome: 'done', next: [] });
    assert.deepEqual(await queue.append([testJob('f'), remembered]), [true, false]);
  });

  test('what a job was made for makes no second one after it, and the id is free for what comes next', async (t) => {
    const queue = await start(t);
    const untilMs = Date.now() + 60_000;
    const due = (id: string): Job => testJob('same', { once: { id, untilMs } });
    assert.deepEqual(await queue.append([due('one')]), [true]);
    assert.deepEqual(await queue.append([due('two')]), [false], 'the first is still there');
    await queue.settle(await leaseOne(queue), { outcome: 'done', next: [] });
    assert.deepEqual(await queue.append([due('one')]), [false]);
    assert.deepEqual(await queue.append([due('two')]), [true]);
  });

  test('a job may name a lower bound for its lane than the queue has', async (t) => {
    const queue = await start(t);
    await queue.append([testJob('a', { laneJobs: 1 })]);
    await assert.rejects(queue.append([testJob('b', { laneJobs: 1 })]), { code: 'queue-full', message: /a\.ns.*1/ });
    assert.deepEqual(await queue.append([testJob('c', { laneJobs: 2 })]), [true]);
    await assert.rejects(queue.append([testJob('d', { laneJobs: 1000 }), ...ballast(98)]), { code: 'queue-full' });
  });

  test('a lane that is full refuses all of an append, and other lanes have room', async (t) => {
    const queue = await start(t);
    await queue.append(ballast(99));
    await assert.rejects(queue.append([testJob('x'), testJob('y')]), { code: 'queue-full', message: /a\.ns.*100/ });
    assert.deepEqual(await queue.append([testJob('x', { body: Buffer.alloc(1) })]), [true]);
    const big = testJob('big', { lane: 'b.ns', body: Buffer.alloc(10_001) });
    await assert.rejects(queue.append([big]), { code: 'queue-full', message: /b\.ns.*10001.*10000/ });
    assert.deepEqual(await queue.append([testJob('z', { lane: 'b.ns' })]), [true]);
    const depth = await queue.depth();
    assert.deepEqual(depth, [
      { lane: 'a.ns', jobs: 100, bytes: 100 },
      { lane: 'b.ns', jobs: 1, bytes: 9 },
    ]);
  });
}

function survives(open: (t: TestContext) => Promise<QueueUnderTest>): void {
  test('jobs, leases that ended with their process, and what is remembered outlive a restart', async (t) => {
    const under = await open(t);
    const later = Date.now() + 3_600_000;
    await under.queue.append([
      testJob('a'),
      testJob('b'),
      testJob('c', { dueMs: later }),
      testJob('d', { rememberMs: later }),
    ]);
    const [a, b] = await under.queue.lease('a.ns', 2);
    assert.deepEqual([a?.id, b?.id], ['a', 'b']);
    await under.queue.settle(a as LeasedJob, { outcome: 'done', next: [] });
    const queue = await under.reopen();
    const heard: string[] = [];
    queue.watch((lane) => heard.push(lane));
    assert.deepEqual(heard, ['a.ns']);
    const again = await queue.lease('a.ns', 10);
    assert.deepEqual(ids(again), ['b', 'd']);
    assert.equal(again[0]?.attempt, 2);
    assert.equal(await queue.settle(b as LeasedJob, { outcome: 'done', next: [] }), false);
    await queue.settle(again[1] as LeasedJob, { outcome: 'done', next: [] });
    assert.deepEqual(await queue.append([testJob('d')]), [false]);
    assert.deepEqual((await queue.depth())[0]?.jobs, 2);
  });
}

function leases(start: Start): void {
  test('a leased job is given to nobody else, and lanes do not mix', async (t) => {
    const queue = await start(t);
    await queue.append([testJob('a'), testJob('b'), testJob('c', { lane: 'b.ns' })]);
    assert.deepEqual(ids(await queue.lease('a.ns', 1)), ['a']);
    assert.deepEqual(ids(await queue.lease('a.ns', 5)), ['b']);
    assert.deepEqual(ids(await queue.lease('a.ns', 5)), []);
    assert.deepEqual(ids(await queue.lease('b.ns', 5)), ['c']);
  });

  test('higher priority goes first, then age', async (t) => {
    const queue = await start(t);
    await queue.append([
      testJob('a'),
      testJob('low', { priority: -1 }),
      testJob('high', { priority: 9 }),
      testJob('b'),
    ]);
    assert.deepEqual(ids(await queue.lease('a.ns', 10)), ['high', 'a', 'b', 'low']);
  });

  test('a job is not given out before it is due, and then somebody hears of it', async (t) => {
    const queue = await start(t);
    const heard = Promise.withResolvers<string>();
    queue.watch((lane) => heard.resolve(lane));
    const dueMs = Date.now() + 60;
    await queue.append([testJob('later', { dueMs })]);
    assert.deepEqual(await queue.lease('a.ns', 1), []);
    assert.equal(await heard.promise, 'a.ns');
    assert.ok(Date.now() >= dueMs);
    assert.deepEqual(ids(await queue.lease('a.ns', 1)), ['later']);
  });

  test('listeners hear of lanes that get work, also when it came before them', async (t) => {
    const queue = await start(t);
    await queue.append([testJob('a')]);
    const heard: string[] = [];
    const stop = queue.watch((lane) => heard.push(lane));
    assert.deepEqual(heard, ['a.ns']);
    await queue.append([testJob('b', { lane: 'b.ns' })]);
    assert.deepEqual(heard, ['a.ns', 'b.ns']);
    stop();
    await queue.append([testJob('c')]);
    assert.equal(heard.length, 2);
  });
}

function settles(start: Start): void {
  test('a job that is done leaves, and what follows from it is stored in the same step, also in a full lane', async (t) => {
    const queue = await start(t);
    await queue.append(ballast(100));
    const next = [testJob('n1'), testJob('n2')];
    assert.equal(await queue.settle(await leaseOne(queue), { outcome: 'done', next }), true);
    assert.equal((await queue.depth())[0]?.jobs, 101);
  });

  test('a retry comes back when its time has come, with the next attempt', async (t) => {
    const queue = await start(t);
    await queue.append([testJob('a')]);
    const heard = Promise.withResolvers<void>();
    const first = await leaseOne(queue);
    queue.watch(() => undefined)();
    queue.watch(() => heard.resolve());
    await queue.settle(first, { outcome: 'retry', atMs: Date.now() + 40 });
    assert.deepEqual(await queue.lease('a.ns', 1), []);
    await heard.promise;
    assert.equal((await leaseOne(queue)).attempt, 2);
    assert.equal(await queue.settle(first, { outcome: 'done', next: [] }), false, 'the first lease is void');
  });

  test('a cancelled job is gone, and who holds it learns so', async (t) => {
    const queue = await start(t);
    await queue.append([testJob('a'), testJob('b')]);
    assert.equal(await queue.cancel('b'), true);
    const leased = await leaseOne(queue);
    assert.equal(await queue.cancel('a'), true);
    assert.equal(await queue.cancel('a'), false);
    assert.equal(await queue.settle(leased, { outcome: 'done', next: [testJob('never')] }), false);
    assert.deepEqual(await queue.depth(), []);
  });
}

function deadLetters(start: Start): void {
  const bury = async (queue: JobQueue, ...names: string[]): Promise<void> => {
    for (const name of names) {
      await queue.append([testJob(name)]);
      await queue.settle(await leaseOne(queue), { outcome: 'dead', reason: `${name} failed`, next: [] });
    }
  };

  test('a job that is given up is kept whole, with the reason', async (t) => {
    const queue = await start(t);
    await bury(queue, 'a');
    const letter = await queue.deadLetters.get('a');
    assert.equal(letter?.reason, 'a failed');
    assert.equal(letter.attempt, 1);
    assert.equal(Buffer.from(letter.body).toString(), 'body of a');
    assert.deepEqual(await queue.depth(), []);
    assert.equal(await queue.deadLetters.get('b'), undefined);
  });

  test('only as many are kept as are allowed, the newest', async (t) => {
    const queue = await start(t);
    await bury(queue, 'a', 'b', 'c', 'd');
    const kept = ids(await queue.deadLetters.list({ limit: 10 }));
    assert.equal(kept.length, 3);
    assert.ok(kept.includes('d'));
    assert.equal((await queue.deadLetters.list({ limit: 2 })).length, 2);
    assert.deepEqual(await queue.deadLetters.list({ lane: 'b.ns', limit: 10 }), []);
    assert.deepEqual(await queue.deadLetters.list({ limit: 10, beforeMs: 1 }), []);
  });

  test('one that is replayed is a new job with all its attempts', async (t) => {
    const queue = await start(t);
    await bury(queue, 'a');
    assert.equal(await queue.deadLetters.replay('a'), true);
    assert.equal(await queue.deadLetters.replay('a'), false);
    const job = await leaseOne(queue);
    assert.equal(job.attempt, 1);
    assert.equal(Buffer.from(job.body).toString(), 'body of a');
    const { sinceMs, ...payload } = job.payload;
    assert.deepEqual(payload, testJob('a').payload);
    assert.equal(sinceMs, job.dueMs, 'its age counts from the replay');
  });

  test('one whose id is remembered is replayed all the same, and its repeats stay known', async (t) => {
    const queue = await start(t);
    const keyed = testJob('keyed', { rememberMs: Date.now() + 60_000 });
    await queue.append([keyed]);
    await queue.settle(await leaseOne(queue), { outcome: 'dead', reason: 'it failed', next: [] });
    assert.equal(await queue.deadLetters.replay('keyed'), true);
    const again = await leaseOne(queue);
    assert.equal(again.id, 'keyed');
    await queue.settle(again, { outcome: 'done', next: [] });
    assert.deepEqual(await queue.append([keyed]), [false]);
  });

  test('they are purged one by one or by lane', async (t) => {
    const queue = await start(t);
    await bury(queue, 'a', 'b', 'c');
    assert.equal(await queue.deadLetters.purge({ id: 'b' }), 1);
    assert.equal(await queue.deadLetters.purge({ lane: 'a.ns' }), 2);
    assert.equal(await queue.deadLetters.purge({ lane: 'a.ns' }), 0);
  });
}

function remembers(start: Start): void {
  const record = { status: 201, durationMs: 1.5, response: Buffer.from('made'), truncated: false };
  const finish = async (queue: JobQueue, id: string): Promise<void> => {
    await queue.append([testJob(id, { createdMs: Date.now() })]);
    await queue.settle(await leaseOne(queue), { outcome: 'done', next: [], record });
  };

  test('a call is found in every state of its life', async (t) => {
    const queue = await start(t);
    const state = async (id: string): Promise<string | undefined> => (await queue.history.get(id))?.state;
    await queue.append([testJob('a'), testJob('later', { dueMs: Date.now() + 3_600_000 }), testJob('gone')]);
    assert.deepEqual([await state('a'), await state('later'), await state('none')], ['queued', 'delayed', undefined]);
    await queue.cancel('gone');
    const leased = await leaseOne(queue);
    assert.equal(await state('a'), 'running');
    await queue.settle(leased, { outcome: 'retry', atMs: Date.now() + 3_600_000 });
    assert.deepEqual([await state('a'), await state('gone')], ['delayed', 'canceled']);
    await queue.append([testJob('b', { priority: 1 })]);
    await queue.settle(await leaseOne(queue), { outcome: 'dead', reason: 'broken', next: [] });
    const dead = await queue.history.get('b');
    assert.deepEqual([dead?.state, dead?.reason, dead?.attempts], ['dead', 'broken', 1]);
    await finish(queue, 'c');
    const done = await queue.history.get('c');
    assert.equal(done?.state, 'done');
    assert.ok(done.last !== undefined);
    assert.deepEqual(
      { ...done.last, response: Buffer.from(done.last.response).toString() },
      { ...record, response: 'made' },
    );
    assert.ok((done.finishedMs ?? 0) >= done.createdMs);
  });

  test('lists are the newest first, by lane and state', async (t) => {
    const queue = await start(t);
    for (let i = 0; i < 3; i += 1) await finish(queue, `done${i}`);
    await queue.append([
      testJob('waits', { createdMs: Date.now() + 1000 }),
      testJob('other', { lane: 'b.ns', createdMs: Date.now() + 2000 }),
    ]);
    const list = async (filter: Parameters<JobQueue['history']['list']>[0]): Promise<string[]> =>
      ids(await queue.history.list(filter));
    assert.deepEqual(await list({ limit: 3 }), ['other', 'waits', 'done2']);
    assert.deepEqual(await list({ limit: 10, lane: 'b.ns' }), ['other']);
    assert.deepEqual(await list({ limit: 2, states: ['done'] }), ['done2', 'done1']);
    assert.deepEqual(await list({ limit: 10, lane: 'a.ns', states: ['queued', 'running'] }), ['waits']);
  });

  test('when a call began and what its attempts used is told in every state', async (t) => {
    const queue = await start(t);
    const beforeMs = Date.now();
    const view = async (): Promise<CallView> => {
      const found = await queue.history.get('a');
      assert.ok(found !== undefined);
      return found;
    };
    await queue.append([testJob('a')]);
    const waiting = await view();
    assert.deepEqual([waiting.startedMs, waiting.used], [undefined, { billedMs: 0, gbSeconds: 0 }]);
    const used = { billedMs: 40, gbSeconds: 0.5 };
    const first = await leaseOne(queue);
    assert.ok(((await view()).startedMs ?? 0) >= beforeMs);
    await queue.settle(first, { outcome: 'retry', atMs: 0, used });
    assert.deepEqual((await view()).used, used);
    await queue.settle(await leaseOne(queue), { outcome: 'dead', reason: 'x', next: [], used, record });
    const dead = await view();
    assert.deepEqual(dead.used, { billedMs: 80, gbSeconds: 1 });
    assert.ok((dead.startedMs ?? 0) >= beforeMs);
    assert.deepEqual([dead.last?.status, Buffer.from(dead.last?.response ?? []).toString()], [201, 'made']);
    assert.equal(await queue.deadLetters.replay('a'), true);
    await queue.settle(await leaseOne(queue), { outcome: 'done', next: [], record, used });
    const done = await view();
    assert.deepEqual([done.attempts, done.used], [1, used]);
    assert.ok((done.startedMs ?? 0) >= beforeMs && (done.finishedMs ?? 0) >= (done.startedMs ?? 0));
  });

  test('only as many calls that are over are kept as are allowed', async (t) => {
    const queue = await start(t);
    for (let i = 0; i < 15; i += 1) await finish(queue, `done${i}`);
    const kept = await queue.history.list({ limit: 100, states: ['done'] });
    assert.equal(kept.length, testLimits.history);
    assert.equal(kept[0]?.id, 'done14');
    assert.equal(await queue.history.get('done0'), undefined);
  });
}

function forgets(open: (t: TestContext, part: Partial<QueueLimits>) => Promise<QueueUnderTest>): void {
  test('calls that are over, and dead letters, go when they were kept long enough', async (t) => {
    const { queue } = await open(t, { historyMs: 50, deadLettersMs: 50 });
    await queue.append([testJob('done'), testJob('dead'), testJob('waits')]);
    await queue.settle(await leaseOne(queue), { outcome: 'done', next: [] });
    await queue.settle(await leaseOne(queue), { outcome: 'dead', reason: 'x', next: [] });
    await until('both to be gone', async () => {
      const left = [await queue.history.get('done'), await queue.history.get('dead')];
      return left.every((view) => view === undefined);
    });
    assert.equal(await queue.deadLetters.get('dead'), undefined);
    assert.equal((await queue.history.get('waits'))?.state, 'queued');
  });
}
