import { percentile } from '../load.ts';
import type { FunctionOutcome } from './simulate-function.ts';

/** A line of the table: one policy over one trace. */
export interface Summary {
  readonly policy: string;
  readonly calls: number;
  /** Share of the calls that came when nothing was ready, 0 to 1. */
  readonly coldShare: number;
  /** The share that three quarters of the functions stay below; of those that were called. */
  readonly coldShareOfThird: number;
  readonly meanWaitMs: number;
  readonly p99WaitMs: number;
  readonly instanceSeconds: number;
  readonly mostInstances: number;
}

export function summarize(policy: string, outcomes: Iterable<FunctionOutcome>): Summary {
  let [calls, cold, instanceMs, mostInstances, waitedMs] = [0, 0, 0, 0, 0];
  const waits: number[] = [];
  const shares: number[] = [];
  for (const outcome of outcomes) {
    calls += outcome.calls;
    cold += outcome.cold;
    instanceMs += outcome.instanceMs;
    mostInstances = Math.max(mostInstances, outcome.mostInstances);
    for (const wait of outcome.waitsMs) {
      waitedMs += wait;
      waits.push(wait);
    }
    if (outcome.calls > 0) shares.push(outcome.cold / outcome.calls);
  }
  return {
    policy,
    calls,
    coldShare: cold / calls,
    coldShareOfThird: percentile(shares, 0.75),
    meanWaitMs: waitedMs / calls,
    p99WaitMs: percentile(waits, 0.99),
    instanceSeconds: instanceMs / 1_000,
    mostInstances,
  };
}

const titles = [
  'policy',
  'calls',
  'cold calls',
  'cold, 3rd quartile',
  'mean wait',
  'p99 wait',
  'instance-seconds',
  'most',
];

/** The table of one trace, as Markdown. */
export function formatRows(summaries: readonly Summary[]): string {
  const rows = summaries.map((of) => [
    of.policy,
    String(of.calls),
    `${(100 * of.coldShare).toFixed(3)} %`,
    `${(100 * of.coldShareOfThird).toFixed(1)} %`,
    `${of.meanWaitMs.toFixed(1)} ms`,
    `${of.p99WaitMs.toFixed(0)} ms`,
    of.instanceSeconds.toFixed(0),
    String(of.mostInstances),
  ]);
  return [titles, titles.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
