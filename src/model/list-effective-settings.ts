import type { ScalingName, ScalingSettings } from './scaling.ts';
import type { EffectiveSetting } from './scaling-report.ts';

/** Every setting of a function's scaling, with its value in words and where it comes from. */
export function listEffectiveSettings(scaling: ScalingSettings): readonly EffectiveSetting[] {
  const { panic, query, schedule } = scaling;
  const row = (name: ScalingName, label: string, value: string): EffectiveSetting => ({
    name: label,
    value,
    source: scaling.origins[name] ?? 'default',
  });
  return [
    row('min', 'minimum', String(scaling.min)),
    row('max', 'maximum', String(scaling.max)),
    row('initial', 'initial', String(scaling.initial ?? Math.max(1, scaling.min))),
    row('zero', 'sleeps', scaling.zero ? 'yes' : 'no'),
    row('zeroAfterMs', 'sleeps after', seconds(scaling.zeroAfterMs)),
    row('metric', 'metric', scaling.metric),
    ...(query === undefined ? [] : [row('query', 'query', query)]),
    row('target', 'target', `${scaling.target} ${units[scaling.metric]}`),
    row('utilization', 'utilization', String(scaling.utilization)),
    row('loadWindowMs', 'load', windowOf(scaling)),
    row('holdMs', 'holds on the way down', seconds(scaling.holdMs)),
    row('activation', 'activation', String(scaling.activation)),
    row('burstCapacity', 'burst capacity', burstOf(scaling.burstCapacity)),
    row('sparing', 'spares cores for quick calls', scaling.sparing ? 'yes' : 'no'),
    ...(panic === undefined
      ? []
      : [
          row('panic.windowMs', 'panic window', seconds(panic.windowMs)),
          row('panic.threshold', 'panic threshold', `${panic.threshold} × ready`),
        ]),
    row('factor', 'alert adds', `${scaling.factor} % of the maximum`),
    ...schedule.map(({ text }) => row('schedule', 'window', text)),
    row('cpuBound', 'bound to the cores', scaling.cpuBound ? 'yes' : 'no'),
    row('dryRun', 'dry run', scaling.dryRun ? 'yes' : 'no'),
  ];
}

const units: Readonly<Record<ScalingSettings['metric'], string>> = {
  concurrency: 'calls at once per instance',
  rps: 'calls per second per instance',
  cpu: 'thousandths of a core per instance',
  queue: 'stored calls per instance',
  custom: 'per instance',
};

function windowOf({ aggregate, loadWindowMs }: ScalingSettings): string {
  if (aggregate === 'latest') return 'latest reading';
  return `${aggregate === 'max' ? 'highest' : 'mean'} of ${seconds(loadWindowMs)}`;
}

function burstOf(capacity: number): string {
  return capacity < 0 ? 'unlimited' : String(capacity);
}

function seconds(ms: number): string {
  return `${ms / 1_000}s`;
}
