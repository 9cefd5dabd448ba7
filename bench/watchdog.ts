// The watchdog against what bounds it: fork mode against a bare loop of `spawn`, http mode against the real of-watchdog. Both
// in rounds that alternate, in a network namespace of its own, since of-watchdog needs port 8081.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { findWatchdog } from '../test/peers/watchdogs/find-watchdog.ts';
import { until } from '../test/support/until.ts';
import { ensureLoadGenerator, load, percentile } from './load.ts';
import { type Figure, formatJson, formatTable, holds } from './report.ts';

const rounds = 5;
const seconds = 3;
/** Programs at once, for both. */
const forks = 8;
const connections = 64;
/** `USER_HZ` of Linux. */
const ticksPerSecond = 100;
const main = resolve(import.meta.dirname, '../bin/tinderbox.mjs');
const hello = `require('node:http').createServer((q, s) => s.end('hello\\n')).listen(Number(process.env.UP), '127.0.0.1');`;

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
}

async function start(
  command: readonly string[],
  port: number,
  env: Readonly<Record<string, string>>,
): Promise<Started> {
  const [file = '', ...args] = command;
  const own = {
    PATH: process.env['PATH'],
    HOME: folder,
    TMPDIR: folder,
    port: String(port),
    suppress_lock: 'true',
    ...env,
  };
  // Its own group, so that its program ends with it.
  const child = spawn(file, args, { cwd: folder, env: own, stdio: 'ignore', detached: true });
  const url = `http://127.0.0.1:${port}/`;
  await until(
    `${file} answers`,
    () =>
      fetch(url).then(
        (answer) => answer.ok,
        () => false,
      ),
    60_000,
  );
  return { child, url };
}

async function end({ child }: Started): Promise<void> {
  const exited = once(child, 'exit');
  process.kill(-(child.pid ?? 0), 'SIGKILL');
  await exited;
}

function rssMiB(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Processor time of the watchdog itself, without its program: what a neighbour on the machine changes least. */
function cpuSeconds(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** One round of load: requests per second, processor time per request in µs, errors. */
async function measureRound({ child, url }: Started): Promise<{ rate: number; cpu: number; errors: number }> {
  const before = cpuSeconds(child.pid);
  const { requestsPerSecond, errors } = await load(url, connections, seconds);
  const cpu = (cpuSeconds(child.pid) - before) / (requestsPerSecond * seconds);
  return { rate: requestsPerSecond, cpu: cpu * 1e6, errors };
}

async function spawnRate(mebibytes: number): Promise<number> {
  const loop = join(import.meta.dirname, 'spawn-loop.ts');
  const args = [loop, mebibytes.toFixed(0), String(seconds), String(forks), '/bin/cat'];
  return Number(await text(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout));
}

async function measureFork(): Promise<Figure[]> {
  const watchdog = await start([process.execPath, main, 'watchdog'], 9000, {
    fprocess: '/bin/cat',
    metrics_port: '9001',
  });
  const [bare, ours]: [number[], number[]] = [[], []];
  let errors = 0;
  try {
    await load(watchdog.url, forks, 2);
    for (let i = 0; i < rounds; i += 1) {
      bare.push(await spawnRate(rssMiB(watchdog.child.pid)));
      const result = await load(watchdog.url, forks, seconds);
      ours.push(result.requestsPerSecond);
      errors += result.errors;
    }
  } finally {
    await end(watchdog);
  }
  const shares = ours.map((rate, at) => (100 * rate) / (bare[at] ?? Number.NaN));
  return [
    { measure: 'bare spawn of cat, 8 at once', value: percentile(bare, 0.5), unit: 'requests/s' },
    { measure: 'watchdog, mode classic, cat, 8 connections', value: percentile(ours, 0.5), unit: 'requests/s' },
    { measure: 'watchdog, mode classic', value: percentile(shares, 0.5), unit: '% of bare', atLeast: 80 },
    { measure: 'watchdog, mode classic', value: errors, unit: 'errors', atMost: 0 },
  ];
}

async function measureHttp(): Promise<Figure[]> {
  const found = findWatchdog('of-watchdog');
  if ('missing' in found) {
    console.error(`bench: ${found.missing}`);
    return [];
  }
  const env = (up: string): Record<string, string> => ({
    mode: 'http',
    fprocess: `${process.execPath} hello.cjs`,
    upstream_url: `http://127.0.0.1:${up}`,
    UP: up,
  });
  const theirs = await start([found.file], 9010, env('9011'));
  const ours = await start([process.execPath, main, 'watchdog'], 9020, { ...env('9021'), metrics_port: '9022' });
  const all: Record<'theirs' | 'ours', Awaited<ReturnType<typeof measureRound>>>[] = [];
  try {
    for (const { url } of [theirs, ours]) await load(url, connections, 2);
    for (let i = 0; i < rounds; i += 1) {
      all.push({ theirs: await measureRound(theirs), ours: await measureRound(ours) });
    }
  } finally {
    await Promise.all([end(theirs), end(ours)]);
  }
  const median = (of: (round: (typeof all)[number]) => number): number => percentile(all.map(of), 0.5);
  const errors = all.reduce((sum, round) => sum + round.ours.errors, 0);
  return [
    { measure: 'of-watchdog, mode http, 64 connections', value: median((r) => r.theirs.rate), unit: 'requests/s' },
    { measure: 'watchdog, mode http, 64 connections', value: median((r) => r.ours.rate), unit: 'requests/s' },
    { measure: 'of-watchdog, mode http, processor per request', value: median((r) => r.theirs.cpu), unit: 'µs' },
    { measure: 'watchdog, mode http, processor per request', value: median((r) => r.ours.cpu), unit: 'µs' },
    {
      measure: 'watchdog, mode http',
      value: median((r) => r.ours.rate / r.theirs.rate),
      unit: '× of-watchdog',
      atLeast: 1.3,
    },
    { measure: 'watchdog, mode http', value: errors, unit: 'errors', atMost: 0 },
  ];
}

if (process.argv[2] !== 'inside') {
  const again = [
    '--net',
    'sh',
    '-c',
    'ip link set lo up && exec "$0" "$1" inside',
    process.execPath,
    import.meta.filename,
  ];
  process.exit(spawnSync('unshare', again, { stdio: 'inherit' }).status ?? 1);
}
ensureLoadGenerator();
const folder = mkdtempSync(join(tmpdir(), 'tb-bench-'));
try {
  writeFileSync(join(folder, 'hello.cjs'), hello);
  const figures = [...(await measureFork()), ...(await measureHttp())];
  console.log(formatTable(figures));
  console.log(formatJson(figures));
  process.exitCode = figures.every(holds) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
