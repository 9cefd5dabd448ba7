import { load, percentile, timeCall } from './load.ts';
import type { Figure } from './report.ts';

/** As many as it takes: on a shared machine one round differs from the next by a fifth, also of the bare server. */
const rounds = 11;
const seconds = 3;
/** Longer, so that opening a thousand connections is no part of the figure. */
const wideSeconds = 6;

/** Pairs of calls, one after the other, in a round; the first are not counted. */
const pairs = 400;
const warmPairs = 100;

/** One round, all of its parts measured back to back: milliseconds of a call alone, and requests per second. */
interface Round extends Latency {
  readonly bare: number;
  readonly bareWide: number;
  readonly frame: number;
  readonly wide: number;
  readonly http: number;
  readonly errors: number;
}

/**
 * What a hello function adds to a call, and its requests per second as shares of the bare server's. Each round gives its
 * own figures and the median of them counts, so that a machine that gets slower or faster meanwhile changes none.
 */
export async function measureThroughput(bareUrl: string, frameUrl: string, httpUrl: string): Promise<Figure[]> {
  for (const url of [bareUrl, frameUrl, httpUrl]) await load(url, 64, 2);
  const all: Round[] = [];
  for (let i = 0; i < rounds; i += 1) all.push(await measureRound(bareUrl, frameUrl, httpUrl));
  const median = (of: (round: Round) => number): number => percentile(all.map(of), 0.5);
  return [
    { measure: 'bare node:http, 1 connection, p50', value: median(({ bareMs }) => bareMs), unit: 'ms' },
    { measure: 'added latency at 1 connection, p50', value: median(({ addedMs }) => addedMs), unit: 'ms', atMost: 0.2 },
    { measure: 'bare node:http, 64 connections', value: median(({ bare }) => bare), unit: 'requests/s' },
    { measure: 'hello in Node, 64 connections', value: median(({ frame }) => frame), unit: 'requests/s' },
    {
      measure: 'hello in Node, 64 connections',
      value: median(({ frame, bare }) => (100 * frame) / bare),
      unit: '% of bare',
      atLeast: 50,
    },
    {
      measure: 'bare node:http, 1,000 connections',
      value: median(({ bareWide, bare }) => (100 * bareWide) / bare),
      unit: '% of 64 connections',
    },
    {
      measure: 'hello in Node, 1,000 connections',
      value: median(({ wide, frame }) => (100 * wide) / frame),
      unit: '% of 64 connections',
      atLeast: 80,
    },
    {
      measure: 'hello in Node, 1,000 connections',
      value: all.reduce((sum, { errors }) => sum + errors, 0),
      unit: 'errors',
      atMost: 0,
    },
    {
      measure: 'exec http hello, 64 connections',
      value: median(({ http, bare }) => (100 * http) / bare),
      unit: '% of bare',
      atLeast: 25,
    },
  ];
}

async function measureRound(bareUrl: string, frameUrl: string, httpUrl: string): Promise<Round> {
  const latency = await measureLatency(bareUrl, frameUrl);
  const bare = await load(bareUrl, 64, seconds);
  const bareWide = await load(bareUrl, 1000, wideSeconds);
  const frame = await load(frameUrl, 64, seconds);
  const wide = await load(frameUrl, 1000, wideSeconds);
  const http = await load(httpUrl, 64, seconds);
  return {
    ...latency,
    bare: bare.requestsPerSecond,
    bareWide: bareWide.requestsPerSecond,
    frame: frame.requestsPerSecond,
    wide: wide.requestsPerSecond,
    http: http.requestsPerSecond,
    errors: frame.errors + wide.errors + http.errors,
  };
}

interface Latency {
  readonly bareMs: number;
  readonly addedMs: number;
}

/** Added time of one call at a time, alternating with the bare server so that both meet the same machine. */
async function measureLatency(bareUrl: string, frameUrl: string): Promise<Latency> {
  const [bare, frame]: [number[], number[]] = [[], []];
  for (let i = 0; i < pairs; i += 1) {
    bare.push(await timeCall(bareUrl));
    frame.push(await timeCall(frameUrl));
  }
  const bareMs = percentile(bare.slice(warmPairs), 0.5);
  return { bareMs, addedMs: percentile(frame.slice(warmPairs), 0.5) - bareMs };
}
