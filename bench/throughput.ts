import { load, percentile, timeCall } from './load.ts';
import type { Figure } from './report.ts';

const seconds = 5;

/** Requests per second of hello functions as shares of the bare server's, each pair measured back to back. */
export async function measureThroughput(bareUrl: string, frameUrl: string, httpUrl: string): Promise<Figure[]> {
  for (const url of [bareUrl, frameUrl, httpUrl]) await load(url, 64, 2);
  const bare = await bestOf(() => load(bareUrl, 64, seconds));
  const frame = await bestOf(() => load(frameUrl, 64, seconds));
  const wide = await bestOf(() => load(frameUrl, 1000, seconds));
  const http = await bestOf(() => load(httpUrl, 64, seconds));
  return [
    { measure: 'bare node:http, 64 connections', value: bare.requestsPerSecond, unit: 'requests/s' },
    { measure: 'hello in Node, 64 connections', value: frame.requestsPerSecond, unit: 'requests/s' },
    { measure: 'hello in Node, 64 connections', value: share(frame, bare), unit: '% of bare', atLeast: 50 },
    {
      measure: 'hello in Node, 1,000 connections',
      value: share(wide, frame),
      unit: '% of 64 connections',
      atLeast: 80,
    },
    { measure: 'hello in Node, 1,000 connections', value: wide.errors, unit: 'errors', atMost: 0 },
    { measure: 'exec http hello, 64 connections', value: share(http, bare), unit: '% of bare', atLeast: 25 },
  ];
}

type Round = Awaited<ReturnType<typeof load>>;

/** The better of two rounds: the machine is shared, and a slow neighbour is not our figure. Errors add up. */
async function bestOf(round: () => Promise<Round>): Promise<Round> {
  const [a, b] = [await round(), await round()];
  return { requestsPerSecond: Math.max(a.requestsPerSecond, b.requestsPerSecond), errors: a.errors + b.errors };
}

function share(part: Round, whole: Round): number {
  return (100 * part.requestsPerSecond) / whole.requestsPerSecond;
}

/** Added time of one call at a time, alternating with the bare server so that both meet the same machine. */
export async function measureLatency(bareUrl: string, frameUrl: string): Promise<Figure[]> {
  const [bare, frame]: [number[], number[]] = [[], []];
  for (let i = 0; i < 3000; i += 1) {
    bare.push(await timeCall(bareUrl));
    frame.push(await timeCall(frameUrl));
  }
  const added = percentile(frame.slice(500), 0.5) - percentile(bare.slice(500), 0.5);
  return [{ measure: 'added latency at 1 connection, p50', value: added, unit: 'ms', atMost: 0.2 }];
}
