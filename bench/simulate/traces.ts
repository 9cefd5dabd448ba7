import { createRandom, type Random } from './random.ts';

/** Calls of one function: when they come and how long each takes, both in ms. */
export interface FunctionTrace {
  readonly arrivals: readonly number[];
  readonly durations: readonly number[];
}

export interface Trace {
  readonly name: string;
  readonly lengthMs: number;
  /** Made when asked for, one after another: a day of thousands does not fit in memory at once. */
  readonly functions: Iterable<FunctionTrace>;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

export interface TraceOptions {
  readonly seed: number;
  /** Functions of the heavy tail. */
  readonly functions: number;
  /** Times the length of every trace; a test takes less than 1. */
  readonly scale?: number;
}

export function createTraces({ seed, functions, scale = 1 }: TraceOptions): readonly Trace[] {
  const one = (name: string, lengthMs: number, rate: (share: number) => number, salt: number): Trace => ({
    name,
    lengthMs: lengthMs * scale,
    functions: [poisson(createRandom(seed + salt), lengthMs * scale, rate)],
  });
  return [
    one('steady, 5/s for an hour', hour, () => 5, 1),
    one('ramp, 0 to 50/s in half an hour', hour / 2, (share) => 50 * share, 2),
    one(
      'spike, 1/s and 100/s for a minute of 30',
      hour / 2,
      (share) => (share > 1 / 3 && share < 11 / 30 ? 100 : 1),
      3,
    ),
    one('day curve, 0.02/s to 5/s', day, (share) => 0.02 + 4.98 * ((1 - Math.cos(2 * Math.PI * share)) / 2) ** 4, 4),
    {
      name: `heavy tail, ${functions} functions for a day`,
      lengthMs: day * scale,
      functions: heavyTail(createRandom(seed + 5), functions, day * scale),
    },
  ];
}

/** Arrivals of a Poisson process whose rate per second depends on the share of the trace that is over, by thinning. */
function poisson(random: Random, lengthMs: number, rate: (share: number) => number): FunctionTrace {
  const most = Math.max(...Array.from({ length: 1_001 }, (_, at) => rate(at / 1_000)));
  const arrivals: number[] = [];
  for (let at = random.exponential(second / most); at < lengthMs; at += random.exponential(second / most)) {
    if (random.uniform() * most < rate(at / lengthMs)) arrivals.push(at);
  }
  return { arrivals, durations: arrivals.map(() => random.exponential(200)) };
}

/**
 * Calls per day by share of the functions: of the applications of Azure Functions 45 % are called at most once an hour and
 * 81 % at most once a minute ("Serverless in the Wild", section 3.3). Between the published points the rate is
 * interpolated on a logarithmic scale. The most frequent are cut at one call in five seconds: they are never cold under
 * any policy, and would be all there is to compute.
 */
const ratePoints: readonly (readonly [share: number, perDay: number])[] = [
  [0, 0.5],
  [0.45, 24],
  [0.81, 1_440],
  [1, 17_280],
];

/** 16 % of the functions have a timer, and come at equal intervals (table of triggers, section 3.2). */
const timerShare = 0.16;
/** Mean execution times follow a log-normal distribution of seconds (section 3.4). */
const [logMean, logDeviation] = [-0.38, 2.36];
const longestMs = 10 * minute;

function* heavyTail(random: Random, functions: number, lengthMs: number): Iterable<FunctionTrace> {
  for (let each = 0; each < functions; each += 1) {
    const meanGapMs = day / ratePerDay((each + random.uniform()) / functions);
    const meanMs = Math.min(longestMs, Math.exp(logMean + logDeviation * random.normal()) * second);
    const isTimer = random.uniform() < timerShare;
    const arrivals = isTimer ? timer(random, meanGapMs, lengthMs) : bursts(random, meanGapMs, lengthMs);
    yield { arrivals, durations: arrivals.map(() => Math.min(longestMs, random.exponential(meanMs))) };
  }
}

function ratePerDay(share: number): number {
  const above = ratePoints.findIndex(([until]) => share <= until);
  const [toShare, to] = ratePoints[Math.max(1, above)] ?? [1, 1];
  const [fromShare, from] = ratePoints[Math.max(1, above) - 1] ?? [0, 1];
  return Math.exp(Math.log(from) + ((share - fromShare) / (toShare - fromShare)) * Math.log(to / from));
}

function timer(random: Random, gapMs: number, lengthMs: number): readonly number[] {
  const arrivals: number[] = [];
  for (let at = random.uniform() * gapMs; at < lengthMs; at += gapMs) arrivals.push(at);
  return arrivals;
}

/** Gaps of a coefficient of variation between 1 and 3 (of those without a timer most are above 1, figure 6). */
function bursts(random: Random, meanGapMs: number, lengthMs: number): readonly number[] {
  const variation = 1 + 2 * random.uniform();
  // A hyperexponential of two phases with balanced means has this coefficient of variation.
  const share = (1 + Math.sqrt((variation ** 2 - 1) / (variation ** 2 + 1))) / 2;
  const gap = (): number =>
    random.uniform() < share
      ? random.exponential(meanGapMs / (2 * share))
      : random.exponential(meanGapMs / (2 * (1 - share)));
  const arrivals: number[] = [];
  for (let at = gap(); at < lengthMs; at += gap()) arrivals.push(at);
  return arrivals;
}
