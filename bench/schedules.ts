// Schedules: part of `npm run bench`, and alone by `npm run bench:schedules [-- FILE]`. How late the job of a due time is on disk, with 5,000 schedules spread over
// a minute, and how long 5,000 of the same second take. The clock, the queue and its disk are the platform's own; nothing
// is executed, so that what is measured is the schedule and not its functions.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSchedules } from '../src/events/schedule/parse-schedules.ts';
import { createScheduler } from '../src/events/schedule/scheduler.ts';
import type { Job } from '../src/queue/job.ts';
import { createSqliteQueue } from '../src/queue/sqlite/sqlite-queue.ts';
import { type Figure, formatJson, formatTable, holds } from './report.ts';

const count = 5000;

/** Lateness of every job in ms, from its due time until it is on disk. */
async function measure(expressionOf: (index: number) => string, file: string): Promise<number[]> {
  const limits = {
    laneJobs: 1e6,
    laneBytes: 1e9,
    deadLetters: 100,
    deadLettersMs: 3_600_000,
    history: 100,
    historyMs: 3_600_000,
  };
  const queue = await createSqliteQueue({ file, limits });
  const late: number[] = [];
  const all = Promise.withResolvers<void>();
  const memory = { last: () => undefined, remember: () => undefined, forget: () => undefined };
  let readyMs = Number.POSITIVE_INFINITY;
  const scheduler = createScheduler({
    memory,
    accept: async (job: Job) => {
      const [isNew = false] = await queue.append([job]);
      // What came due while thousands were still being read is late for another reason.
      if (dueOf(job) > readyMs && late.length < count) late.push(Date.now() - dueOf(job));
      if (late.length === count) all.resolve();
      return isNew;
    },
  });
  for (let index = 0; index < count; index += 1) {
    const key = `f${index}.openfaas-fn` as const;
    scheduler.set(key, parseSchedules(key, { topic: 'cron-function', schedule: expressionOf(index) }));
  }
  readyMs = Date.now();
  // The scheduler's own timer does not keep a process alive.
  const alive = setInterval(() => undefined, 1000);
  await all.promise;
  clearInterval(alive);
  scheduler.close();
  await queue.close();
  return late.sort((a, b) => a - b);
}

function dueOf({ id }: Job): number {
  return Number(id.slice(id.lastIndexOf('-') + 1));
}

/** Takes two minutes: one to spread them over, one until all are due at once. */
export async function measureSchedules(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tbs-'));
  try {
    const spread = await measure((index) => `${index % 60} * * * * *`, join(folder, 'spread.db'));
    const herd = await measure(() => '0 * * * * *', join(folder, 'herd.db'));
    const quantile = (list: readonly number[], share: number): number =>
      list[Math.ceil(share * list.length) - 1] ?? NaN;
    const spreadOut = `due to stored, ${count} schedules spread over a minute`;
    return [
      { measure: `${spreadOut}, p50`, value: quantile(spread, 0.5), unit: 'ms' },
      { measure: `${spreadOut}, p99`, value: quantile(spread, 0.99), unit: 'ms', atMost: 50 },
      {
        measure: `due to stored, ${count} schedules of the same second, the last`,
        value: quantile(herd, 1),
        unit: 'ms',
        atMost: 1000,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const figures = await measureSchedules();
  console.log(formatTable(figures));
  console.log(formatJson(figures));
  const [jsonFile] = process.argv.slice(2);
  if (jsonFile !== undefined) writeFileSync(jsonFile, `${formatJson(figures)}\n`);
  process.exitCode = figures.every(holds) ? 0 : 1;
}
