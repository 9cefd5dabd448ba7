import { createRandom } from '../simulate/random.ts';

/** The load over time: share of the time that is over → share of the peak, both 0 to 1. */
export interface Shape {
  readonly name: 'ramp' | 'spike' | 'variable';
  readonly level: (share: number) => number;
}

const steps = 14;
/** The last part of every shape is quiet, so that the way down is seen as well. */
const loadedShare = 0.7;

export const shapes: readonly Shape[] = [
  { name: 'ramp', level: (share) => (share < loadedShare ? share / loadedShare : 0) },
  { name: 'spike', level: (share) => (share >= loadedShare ? 0 : share > 0.25 && share < 0.45 ? 1 : 0.1) },
  { name: 'variable', level: createVariable(3) },
];

/** Steps of random heights, the same each time. */
function createVariable(seed: number): (share: number) => number {
  const random = createRandom(seed);
  const heights = Array.from({ length: steps }, () => random.uniform());
  const levels = heights.map((height) => height / Math.max(...heights));
  return (share) => (share < loadedShare ? (levels[Math.floor((share / loadedShare) * steps)] ?? 0) : 0);
}

/** A function to be driven, what scales it, and how hard it is driven at most. */
export interface Mode {
  readonly type: 'capacity' | 'cpu' | 'rps';
  readonly labels: Readonly<Record<string, string>>;
  readonly query: string;
  readonly peakPerSecond: number;
  /** What one call per second adds to the load of the type. */
  readonly loadPerRate: number;
  readonly unit: string;
}

const bounds = { 'com.openfaas.scale.max': '10', 'com.openfaas.scale.zero': 'false' };

function labels(type: string, target: number): Readonly<Record<string, string>> {
  return { ...bounds, 'com.openfaas.scale.type': type, 'com.openfaas.scale.target': String(target) };
}

export const modes: readonly Mode[] = [
  {
    type: 'capacity',
    labels: labels('capacity', 10),
    query: 'sleep=500',
    peakPerSecond: 120,
    loadPerRate: 0.5,
    unit: 'calls in flight',
  },
  {
    type: 'cpu',
    labels: labels('cpu', 150),
    query: 'burn=20',
    peakPerSecond: 40,
    loadPerRate: 20,
    unit: 'thousandths of a core',
  },
  { type: 'rps', labels: labels('rps', 15), query: '', peakPerSecond: 100, loadPerRate: 1, unit: 'calls per second' },
];

/** Sleeps or works for as many milliseconds as it is asked to. */
export const handler = `'use strict';
module.exports = async (event, context) => {
  const { sleep, burn } = event.query;
  if (sleep) await new Promise((done) => setTimeout(done, Number(sleep)));
  if (burn) for (const until = performance.now() + Number(burn); performance.now() < until; );
  return context.succeed('done');
};
`;
