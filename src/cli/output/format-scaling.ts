import type { EffectiveSetting, ScalingDecision, ScalingReport } from '../../model/scaling-report.ts';
import { formatTable } from './table.ts';

/** What `describe --scaling` prints: the last decisions, then every setting with its source. */
export function formatScaling(report: ScalingReport): string {
  const { revision, desired, ready, decision, change, meterFailure, settings } = report;
  const lines: readonly (readonly [label: string, text: string | undefined])[] = [
    ['Revision', revision],
    ['Instances', `${desired === undefined ? 'not running' : `${desired} wanted`}, ${ready} ready`],
    ['Last look', decision === undefined ? 'none yet' : formatDecision(decision, report.dryRun)],
    ['Last change', change === undefined ? undefined : formatDecision(change, report.dryRun)],
    ['Meter', meterFailure],
  ];
  const head = lines.flatMap(([label, text]) => (text === undefined ? [] : [`${`${label}:`.padEnd(13)}${text}\n`]));
  const table = formatTable<EffectiveSetting>(
    [
      { title: 'SETTING', value: ({ name }) => name },
      { title: 'VALUE', value: ({ value }) => value },
      { title: 'SOURCE', value: ({ source }) => source },
    ],
    settings,
  );
  return `${head.join('')}\n${table}`;
}

function formatDecision({ at, from, to, reason }: ScalingDecision, dryRun: boolean): string {
  const change = from === to ? `stays at ${to}` : `${from} → ${to}${dryRun ? ' (dry run)' : ''}`;
  return `${at}  ${change}: ${reason}`;
}
