import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../test/support/until.ts';
import { startPlatform, type TestPlatform } from '../test/support/platform.ts';
import type { Job } from '../src/queue/job.ts';
import { createSqliteQueue } from '../src/queue/sqlite/sqlite-queue.ts';
import { deployAll, nodeHello } from './functions.ts';
import { percentile } from './load.ts';
import { platformMemory } from './memory.ts';
import type { Figure } from './report.ts';

const connections = 64;
const seconds = 4;
const hour = 3_600_000;
/** Bounds that the backlog does not reach. */
export const roomyFlags: readonly string[] = ['--queue-jobs', '10000000', '--queue-bytes', '10Gi'];

interface Load {
  readonly path: string;
  readonly connections: number;
  /** Lua that says what is sent, and how long each connection waits between requests. */
  readonly script: string;
}

const posts = 'wrk.method = "POST"\nwrk.body = "hello"\n';
/** Put off, so that calls are only stored. */
const later = `${posts}wrk.headers["X-Delay"] = "1h"\n`;
const accepting: Load = { path: '/async-function/hello', connections, script: later };
const running: Load = { path: '/async-function/hello', connections, script: posts };
/** About 5,000/s as long as an answer takes a millisecond. */
const steadily: Load = { ...accepting, script: `${later}function delay() return 11 end\n` };
const waitedFor: Load = { path: '/function/hello', connections: 4, script: '' };

/** What `wrk` saw: answers per second, and the 99th percentile of their time in ms. Throws when one was no success. */
async function drive(platform: TestPlatform, load: Load): Promise<{ perSecond: number; p99Ms: number }> {
  const script = join(platform.stateDir, '..', `load-${load.connections}.lua`);
  writeFileSync(script, load.script);
  const args = ['-t1', `-c${load.connections}`, `-d${seconds}s`, '--latency', '-s', script, platform.url + load.path];
  const child = spawn('wrk', args);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  if (/Non-2xx/.test(text)) throw new Error(`some calls were refused:\n${text}`);
  const [, number, unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(text) ?? [];
  const p99Ms = Number(number) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN);
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]), p99Ms };
}

/** Accepted per second, to be run much later. */
export async function acceptCalls(platform: TestPlatform): Promise<number> {
  return (await drive(platform, accepting)).perSecond;
}

async function stored(platform: TestPlatform): Promise<number> {
  const lanes = (await (await platform.fetch('/system/queue')).json()) as { jobs: number }[];
  return lanes[0]?.jobs ?? 0;
}

/** How many are stored once those that were on their way when a load ended are stored as well. */
async function restingCount(platform: TestPlatform): Promise<number> {
  let count = -1;
  return await until('nothing to be on its way', async () => {
    const last = count;
    await delay(250);
    count = await stored(platform);
    return last === count ? { count } : undefined;
  }).then(({ count: resting }) => resting);
}

/** Executed per second while calls arrive as fast as they are accepted, and after that until all are done. */
export async function executeCalls(platform: TestPlatform): Promise<number> {
  const before = await restingCount(platform);
  const begin = performance.now();
  const accepted = (await drive(platform, running)).perSecond * seconds;
  await until('all to be done', async () => (await stored(platform)) <= before, 120_000);
  return accepted / ((performance.now() - begin) / 1000);
}

/** How many times as long the slowest of a hundred calls somebody waits for takes while 5,000/s others are stored. */
async function disturbance(platform: TestPlatform): Promise<{ times: number; perSecond: number }> {
  const quiet = await drive(platform, waitedFor);
  const [beside, storing] = await Promise.all([drive(platform, waitedFor), drive(platform, steadily)]);
  return { times: beside.p99Ms / quiet.p99Ms, perSecond: storing.perSecond };
}

/** Puts calls that are due in an hour into the queue of a platform that is stopped. */
async function addBacklog(platform: TestPlatform, count: number): Promise<void> {
  const most = Number.MAX_SAFE_INTEGER;
  const limits = { laneJobs: most, laneBytes: most, deadLetters: 0, deadLettersMs: most, history: 0, historyMs: most };
  const queue = await createSqliteQueue({ file: join(platform.stateDir, 'queue.db'), limits });
  const createdMs = Date.now();
  const headers = ['Host', 'localhost', 'Content-Type', 'text/plain', 'X-Start-Time', `${createdMs}000000`];
  const job = (id: string): Job => ({
    id,
    lane: 'hello.openfaas-fn',
    priority: 0,
    dueMs: createdMs + hour,
    createdMs,
    rememberMs: 0,
    payload: { kind: 'call', function: 'hello.openfaas-fn', method: 'POST', target: '/', headers },
    body: new Uint8Array(Buffer.from('hello')),
  });
  for (let made = 0; made < count; made += 1000) {
    await queue.append(Array.from({ length: Math.min(1000, count - made) }, (_, i) => job(`backlog-${made + i}`)));
  }
  await queue.close();
  // What is measured next must not wait for the disk to take this.
  execFileSync('sync', ['-f', platform.stateDir]);
}

/** How many times accepted and executed calls are counted; the median counts. */
const rounds = 3;

/** A platform whose queue holds that many calls that are due later. */
async function startBeside(backlog: number): Promise<TestPlatform> {
  const platform = await startPlatform(roomyFlags);
  try {
    await deployAll(platform, nodeHello, ['hello']);
    await platform.stop();
    await addBacklog(platform, backlog);
    return await platform.restart();
  } catch (reason) {
    await platform.dispose();
    throw reason;
  }
}

/** Accepted and executed per second of both platforms, taken in turns, so that both meet the same machine. */
interface Round {
  readonly accepted: number;
  readonly acceptedBeside: number;
  readonly executed: number;
  readonly executedBeside: number;
}

async function measureRound(alone: TestPlatform, beside: TestPlatform): Promise<Round> {
  return {
    accepted: await acceptCalls(alone),
    acceptedBeside: await acceptCalls(beside),
    executed: await executeCalls(alone),
    executedBeside: await executeCalls(beside),
  };
}

/** Stored calls of a hello in Node, on two platforms of their own: one with nothing else stored, one beside a backlog. */
export async function measureStoredCalls(backlog: number, note: (text: string) => void): Promise<Figure[]> {
  const platforms: TestPlatform[] = [];
  try {
    const alone = await startPlatform(roomyFlags);
    platforms.push(alone);
    await deployAll(alone, nodeHello, ['hello']);
    note(`a backlog of ${backlog}`);
    const loaded = await startBeside(backlog);
    platforms.push(loaded);
    note('stored calls');
    for (const platform of platforms) await acceptCalls(platform);
    const all: Round[] = [];
    for (let i = 0; i < rounds; i += 1) all.push(await measureRound(alone, loaded));
    const { times, perSecond } = await disturbance(alone);
    const main = platformMemory(loaded.pid, loaded.runDir).find(({ pid }) => pid === loaded.pid);
    return storedFigures(all, { times, perSecond, backlog, rssMiB: main?.rssMiB ?? Number.NaN });
  } finally {
    for (const platform of platforms) await platform.dispose();
  }
}

function storedFigures(
  all: readonly Round[],
  { times, perSecond, backlog, rssMiB }: { times: number; perSecond: number; backlog: number; rssMiB: number },
): Figure[] {
  const median = (of: (round: Round) => number): number => percentile(all.map(of), 0.5);
  const accepted = median((round) => round.accepted);
  const executed = median((round) => round.executed);
  const acceptedBeside = median((round) => (100 * round.acceptedBeside) / round.accepted);
  const executedBeside = median((round) => (100 * round.executedBeside) / round.executed);
  const beside = `beside ${backlog.toLocaleString('en')} others`;
  return [
    { measure: 'stored calls accepted', value: accepted, unit: 'requests/s', atLeast: 5000 },
    { measure: 'stored calls executed', value: executed, unit: 'requests/s', atLeast: 3000 },
    { measure: 'stored calls accepted beside waited-for ones', value: perSecond, unit: 'requests/s' },
    { measure: 'waited-for calls beside these, p99', value: times, unit: '× quiet', atMost: 2 },
    { measure: `accepted ${beside}`, value: acceptedBeside, unit: '% of without', atLeast: 80 },
    { measure: `executed ${beside}`, value: executedBeside, unit: '% of without', atLeast: 80 },
    { measure: 'main process with that backlog, RSS', value: rssMiB, unit: 'MiB', atMost: 250 },
  ];
}
