import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import type { Job } from '../../queue/job.ts';
import { parseSchedules } from './parse-schedules.ts';
import { createScheduler, type ScheduleMemory, type Scheduler } from './scheduler.ts';

const start = Date.parse('2026-01-01T00:00:00Z');

interface World {
  readonly scheduler: Scheduler;
  readonly jobs: Job[];
  readonly memory: ScheduleMemory & { readonly kept: Map<string, number> };
  readonly set: (annotations: Record<string, string>) => void;
}

/** A scheduler on a clock that the test drives. */
function createWorld(
  t: TestContext,
  accept?: (job: Job) => Promise<boolean>,
  kept = new Map<string, number>(),
  now = Date.now,
): World {
  const jobs: Job[] = [];
  const memory = {
    kept,
    last: (id: string) => kept.get(id),
    remember: (id: string, dueMs: number) => void kept.set(id, dueMs),
    forget: (id: string) => void kept.delete(id),
  };
  const scheduler = createScheduler({
    memory,
    now,
    accept: (job) => {
      jobs.push(job);
      return accept?.(job) ?? Promise.resolve(true);
    },
  });
  t.after(() => scheduler.close());
  const set = (annotations: Record<string, string>): void =>
    scheduler.set('a.ns', parseSchedules('a.ns', { topic: 'cron-function', ...annotations }));
  return { scheduler, jobs, memory, set };
}

function useClock(t: TestContext): (ms: number) => Promise<void> {
  mock.timers.enable({ apis: ['setTimeout', 'setImmediate', 'Date'], now: start });
  t.after(() => mock.timers.reset());
  return async (ms) => {
    for (let left = ms; left > 0; left -= 100) {
      mock.timers.tick(Math.min(100, left));
      await Promise.resolve();
    }
  };
}

test('each due time makes one job, whose id says which it is', async (t) => {
  const pass = useClock(t);
  const { jobs, set } = createWorld(t);
  set({ schedule: '@every 10s' });
  await pass(35_000);
  assert.equal(jobs.length, 3);
  assert.equal(new Set(jobs.map(({ id }) => id)).size, 3);
  const [job] = jobs;
  assert.match(job?.id ?? '', /^cron-[0-9a-f]{20}-1767225610000$/);
  assert.equal(job?.lane, 'a.ns');
  assert.ok(job.payload.kind === 'call' && job.payload.headers.includes('2026-01-01T00:00:10.000Z'));
});

test('two schedulers make the same ids for the same due times', async (t) => {
  const pass = useClock(t);
  const [one, two] = [createWorld(t), createWorld(t)];
  one.set({ schedule: '*/10 * * * * *' });
  await pass(1_234);
  two.set({ schedule: '*/10 * * * * *' });
  await pass(20_000);
  assert.deepEqual(
    one.jobs.map(({ id }) => id),
    two.jobs.map(({ id }) => id),
  );
  assert.equal(one.jobs.length, 2);
});

test('a redeploy moves nothing, and a removal ends it', async (t) => {
  const pass = useClock(t);
  const { scheduler, jobs, set } = createWorld(t);
  set({ schedule: '@every 10s' });
  await pass(9_000);
  set({ schedule: '@every 10s; @every 60s' });
  await pass(1_100);
  assert.equal(jobs.length, 1);
  assert.deepEqual(
    scheduler.planned().map(({ expression, nextMs }) => [expression, (nextMs ?? 0) - start]),
    [
      ['@every 10s', 20_000],
      ['@every 60s', 60_000],
    ],
  );
  set({ topic: 'none' });
  await pass(100_000);
  assert.equal(jobs.length, 1);
  assert.deepEqual(scheduler.planned(), []);
});

test('a redeploy in another time zone is due by that one at once', async (t) => {
  const pass = useClock(t);
  const { scheduler, jobs, set } = createWorld(t);
  const zone = 'com.tinderbox.schedule.timezone';
  set({ schedule: '0 1 * * *' });
  set({ schedule: '0 1 * * *', [zone]: 'Asia/Tokyo' });
  assert.equal(scheduler.planned()[0]?.nextMs, start + 16 * 3_600_000);
  await pass(2 * 3_600_000);
  assert.deepEqual(jobs, []);
});

test('what is missed counts from when it is asked for', async (t) => {
  const pass = useClock(t);
  const kept = new Map<string, number>();
  const first = createWorld(t, undefined, kept);
  const once = { schedule: '@every 10s', 'com.tinderbox.schedule.missed': 'once' };
  first.set({ schedule: '@every 10s' });
  first.set(once);
  first.scheduler.close();
  await pass(15_000);
  const second = createWorld(t, undefined, kept);
  second.set(once);
  await pass(100);
  assert.equal(second.jobs.length, 1);
  second.set({ schedule: '@every 10s' });
  assert.equal(kept.size, 0, 'and no longer than that');
});

test('a run that may not overlap has the id of the one before', async (t) => {
  const pass = useClock(t);
  const { jobs, set } = createWorld(t);
  set({ schedule: '@every 10s', 'com.tinderbox.schedule.overlap': 'skip' });
  await pass(20_100);
  assert.equal(jobs.length, 2);
  assert.equal(jobs[0]?.id, jobs[1]?.id);
  assert.deepEqual(
    jobs.map(({ id, once }) => once?.id.replace(id, '')),
    [`-${start + 10_000}`, `-${start + 20_000}`],
  );
});

test('what was missed while nothing ran is made up for once, when asked for', async (t) => {
  const pass = useClock(t);
  const kept = new Map<string, number>();
  const annotations = { schedule: '@every 10s', 'com.tinderbox.schedule.missed': 'once' };
  const first = createWorld(t, undefined, kept);
  first.set(annotations);
  await pass(10_100);
  first.scheduler.close();
  await pass(60_000);
  const second = createWorld(t, undefined, kept);
  second.set(annotations);
  const forgetful = createWorld(t);
  forgetful.set({ schedule: '@every 10s' });
  await pass(100);
  assert.deepEqual([first.jobs.length, second.jobs.length, forgetful.jobs.length], [1, 1, 0]);
  await pass(10_000);
  assert.deepEqual([second.jobs.length, forgetful.jobs.length], [2, 1]);
});

test('a job the queue refuses is offered again, until its schedule is gone', async (t) => {
  const pass = useClock(t);
  let refusals = 2;
  const { jobs, set } = createWorld(t, () => {
    refusals -= 1;
    return refusals >= 0 ? Promise.reject(new Error('full')) : Promise.resolve(true);
  });
  set({ schedule: '@every 60s' });
  await pass(65_000);
  assert.equal(jobs.length, 3);
  assert.equal(new Set(jobs.map(({ id }) => id)).size, 1);
});

test('a queue that is away is asked once a second for each schedule, and has all that was due when it is back', async (t) => {
  const pass = useClock(t);
  let isAway = true;
  const stored: string[] = [];
  const accept = (job: Job): Promise<boolean> =>
    isAway ? Promise.reject(new Error('away')) : Promise.resolve(stored.push(job.id) > 0);
  const { jobs, set, memory } = createWorld(t, accept);
  set({ schedule: '@every 1s', 'com.tinderbox.schedule.missed': 'once' });
  await pass(60_100);
  const asked = jobs.length;
  await pass(10_000);
  assert.ok(jobs.length - asked <= 11, `${jobs.length - asked} times in 10 s`);
  assert.equal([...memory.kept.values()][0], start, 'nothing was stored yet');
  isAway = false;
  await pass(3000);
  for (let turn = 0; turn < 500; turn += 1) await Promise.resolve();
  const wanted = Array.from({ length: 73 }, (_, at) => `${start + (at + 1) * 1000}`);
  assert.deepEqual(
    stored.map((id) => id.split('-')[2]),
    wanted,
  );
});

test('a clock that jumps ahead makes one job of what it skipped', async (t) => {
  const pass = useClock(t);
  const { jobs, set } = createWorld(t);
  set({ schedule: '@every 10s' });
  mock.timers.setTime(start + 3_600_000);
  await pass(2_000);
  assert.equal(jobs.length, 1);
});

test('a clock that was far ahead and is set right does not hold schedules up, also across a restart', async (t) => {
  const pass = useClock(t);
  const kept = new Map<string, number>();
  const options = { schedule: '@every 10s', 'com.tinderbox.schedule.missed': 'once' };
  let aheadMs = 365 * 24 * 3_600_000;
  const first = createWorld(t, undefined, kept, () => Date.now() + aheadMs);
  first.set(options);
  await pass(11_000);
  assert.equal(first.jobs.length, 1);
  const wrong = new Map(kept);
  aheadMs = 0;
  await pass(20_000);
  assert.equal(first.jobs.length, 3);
  assert.equal(new Set(first.jobs.map(({ id }) => id)).size, 3);
  const second = createWorld(t, undefined, wrong);
  second.set(options);
  await pass(10_000);
  assert.equal(second.jobs.length, 1);
});

test('a pause lets due times pass; what is made up for after it is one run, and none unless asked for', async (t) => {
  const pass = useClock(t);
  const { jobs, scheduler } = createWorld(t);
  const both = { schedule: '@every 10s', topic: 'cron-function' };
  const made = (name: 'a.ns' | 'b.ns', missed: string, paused: boolean): void =>
    scheduler.set(
      name,
      parseSchedules(name, { ...both, 'com.tinderbox.schedule.missed': missed }).map((one) => ({ ...one, paused })),
    );
  made('a.ns', 'once', false);
  made('b.ns', 'skip', false);
  await pass(10_100);
  assert.equal(jobs.length, 2);
  made('a.ns', 'once', true);
  made('b.ns', 'skip', true);
  await pass(45_000);
  assert.equal(jobs.length, 2);
  assert.deepEqual(
    scheduler.planned().map(({ nextMs }) => nextMs),
    [undefined, undefined],
  );
  made('a.ns', 'once', false);
  made('b.ns', 'skip', false);
  await pass(200);
  assert.deepEqual(
    jobs.slice(2).map(({ lane }) => lane),
    ['a.ns'],
  );
  await pass(10_000);
  assert.equal(jobs.length, 5);
});

test('a run whose job was never stored is made up for by the next platform', async (t) => {
  const pass = useClock(t);
  const kept = new Map<string, number>();
  const annotations = { schedule: '@every 10s', 'com.tinderbox.schedule.missed': 'once' };
  const first = createWorld(t, () => new Promise(() => undefined), kept);
  first.set(annotations);
  await pass(10_100);
  first.scheduler.close();
  const second = createWorld(t, undefined, kept);
  second.set(annotations);
  await pass(1000);
  assert.deepEqual(
    second.jobs.map(({ id }) => id),
    first.jobs.map(({ id }) => id),
  );
});

test('thousands that are due at once are stored in parts, and all of them', async (t) => {
  const pass = useClock(t);
  let betweenParts = 0;
  const { jobs, scheduler } = createWorld(t, () => {
    if (jobs.length === 1) setImmediate(() => (betweenParts = jobs.length));
    return Promise.resolve(true);
  });
  for (let index = 0; index < 1000; index += 1) {
    const key = `f${index}.ns` as const;
    scheduler.set(key, parseSchedules(key, { topic: 'cron-function', schedule: '@every 60s' }));
  }
  await pass(60_100);
  assert.equal(betweenParts, 100);
  assert.equal(new Set(jobs.map(({ lane }) => lane)).size, 1000);
  assert.ok(scheduler.planned().every(({ nextMs }) => nextMs === start + 120_000));
});
